import { usageFailure } from '../exit-codes.js'
import type { Input } from '../terminal.js'

/** The longest input that is read. No broker takes a larger message. */
const maxInputBytes = 64 * 1024 * 1024

/** Reads the data of a message: the argument, or stdin for `-`. It is JSON unless `isText`. */
export async function readData(
  argument: string,
  { stdin, isText }: { stdin: Input; isText: boolean },
): Promise<unknown> {
  const text = argument === '-' ? await readAll(stdin) : argument
  if (isText) return argument === '-' ? text.replace(/\r?\n$/, '') : text
  try {
    return JSON.parse(text)
  } catch {
    const hint = `as in '{"id":7}' or '"a text"'`
    throw usageFailure(`The data is not JSON, ${hint}. --text takes it as it is`)
  }
}

/** Reads stdin to its end. */
export async function readAll(stdin: Input): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    const part = Buffer.from(chunk as Uint8Array)
    bytes += part.byteLength
    if (bytes > maxInputBytes) throw usageFailure(`The input has more than ${maxInputBytes} bytes`)
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString()
}

/** Reads `name=value` pairs. */
export function readHeaders(pairs: readonly string[]): Readonly<Record<string, string>> {
  const headers = pairs.map((pair) => {
    const at = pair.indexOf('=')
    if (at < 1) throw usageFailure('--header has a name and a value: --header tenant=acme')
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return Object.fromEntries(headers)
}
