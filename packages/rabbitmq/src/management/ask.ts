import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { Settings } from '../options.js'

const answerMs = 10_000
const maxAnswerBytes = 32 * 1024 * 1024

/** An answer of the management API that is no success. */
export class ManagementRefusal extends Error {
  readonly status: number

  constructor(status: number) {
    super(`status ${status}`)
    this.status = status
  }
}

/** Sends a GET with the login of the URL, or else that of the adapter. Rejects without showing either. */
export function askManagement({ login, tls }: Settings, management: URL, path: string): Promise<unknown> {
  const base = new URL(management)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  const username = base.username === '' ? login.username : decodeURIComponent(base.username)
  const password = base.username === '' ? login.password : decodeURIComponent(base.password)
  base.username = ''
  base.password = ''
  const url = new URL(path, base)
  const send = url.protocol === 'https:' ? secureRequest : plainRequest
  return new Promise((resolve, reject) => {
    const options = { auth: `${username}:${password}`, signal: AbortSignal.timeout(answerMs) }
    const asked = send(url, url.protocol === 'https:' ? { ...tls, ...options } : options, (response) => {
      if (response.statusCode !== 200) {
        response.resume()
        reject(new ManagementRefusal(Number(response.statusCode)))
        return
      }
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength
        if (bytes > maxAnswerBytes) response.destroy(new Error('its answer is too long'))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()))
        } catch {
          reject(new Error('its answer is not JSON'))
        }
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}
