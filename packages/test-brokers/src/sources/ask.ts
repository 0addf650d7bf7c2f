import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface Endpoint {
  readonly host: string
  readonly port: number
  /** Whether to use TLS, with `ca` as the authority or with Node's own list. */
  readonly tls?: boolean
  readonly ca?: string
}

export interface Question<T> {
  readonly send: Buffer | string
  /** Parses the answer so far. Returns undefined until it is complete. May throw. */
  readonly read: (answer: Buffer) => T | undefined
}

/** Sends one request to a broker without a driver. Rejects if the connection closes or two seconds pass. */
export async function ask<T>(endpoint: Endpoint, question: Question<T>): Promise<T> {
  return await new Promise((resolve, reject) => {
    const { host, port, tls, ca } = endpoint
    const socket = tls
      ? connectTls({ host, port, ...(ca === undefined ? {} : { ca }) }, () => socket.write(question.send))
      : connectTcp({ host, port }, () => socket.write(question.send))
    let answer = Buffer.alloc(0)
    socket.setTimeout(2_000, () => socket.destroy(new Error(`${host}:${port} does not answer`)))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`${host}:${port} closed the connection`)))
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk])
      try {
        const value = question.read(answer)
        if (value === undefined) return
        resolve(value)
      } catch (error) {
        reject(error)
      }
      socket.destroy()
    })
  })
}
