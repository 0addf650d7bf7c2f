import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.js'

export interface FormLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
}

/**
 * Reads a form that was sent. Takes what the application has read already. Throws a `Refusal` if it is no form, too large, or too slow.
 */
export async function readForm(req: IncomingMessage, limits: FormLimits): Promise<URLSearchParams> {
  const type = String(req.headers['content-type'] ?? '').split(';')[0]
  if (type?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    throw new Refusal(415, 'Only the forms of this page are taken.')
  }
  const { body } = req as { readonly body?: unknown }
  if (typeof body === 'string') return new URLSearchParams(body)
  if (typeof body === 'object' && body !== null) return fieldsOf(body)
  return new URLSearchParams(await textOf(req, limits))
}

function textOf(req: IncomingMessage, { maxBytes, timeoutMs }: FormLimits): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
      settle()
    }
    const refuse = (status: number, text: string): void => {
      // The rest is not read, so the connection cannot be used again.
      req.pause()
      end(() => reject(new Refusal(status, text)))
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > maxBytes) refuse(413, `A form may have ${maxBytes} bytes.`)
      else chunks.push(chunk)
    }
    const onEnd = (): void => end(() => resolve(Buffer.concat(chunks).toString()))
    const onGone = (): void => refuse(400, 'The form did not arrive whole.')
    const timer = setTimeout(() => refuse(408, `The form did not arrive within ${timeoutMs} ms.`), timeoutMs)
    if (req.readableEnded) return refuse(400, 'The form was read by another part of the application.')
    req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

/** Takes the fields that a parser of the application has made. A field that occurs several times is a list. */
function fieldsOf(body: object): URLSearchParams {
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries(body)) {
    for (const one of Array.isArray(value) ? value : [value]) if (typeof one === 'string') fields.append(name, one)
  }
  return fields
}
