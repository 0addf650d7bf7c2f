import { shortened, visibleLines } from './visible.js'

/** Says whether the data of a message is bytes, which JSON cannot show. */
export const isBytes = (data: unknown): data is Uint8Array => data instanceof Uint8Array

/** Writes data on one line, cut for a table. */
export function onOneLine(data: unknown, maxLength = 120): string {
  if (isBytes(data)) return `${data.length} bytes`
  return shortened(typeof data === 'string' ? data : asJson(data), maxLength)
}

/** Writes data on several lines. It is cut at the limit, and `isCut` says so. */
export function onLines(data: unknown, maxLength = 200_000): { readonly text: string; readonly isCut: boolean } {
  const text = isBytes(data) ? asHex(data, maxLength) : typeof data === 'string' ? data : asJson(data, 2)
  return { text: visibleLines(text.slice(0, maxLength)), isCut: text.length > maxLength }
}

/** Writes JSON. A value that JSON cannot hold becomes a text that says so. */
export function asJson(data: unknown, indent?: number): string {
  try {
    return JSON.stringify(data ?? null, undefined, indent)
  } catch {
    return '"(cannot be written as JSON)"'
  }
}

const asHex = (bytes: Uint8Array, maxLength: number): string =>
  Buffer.from(bytes.subarray(0, Math.ceil(maxLength / 3) + 1))
    .toString('hex')
    .replace(/../g, '$& ')
    .trim()
