import * as fc from 'fast-check'

/** Bytes as plain data: short in a report, whatever their size, and quick to shrink. */
export type Blob =
  | { readonly text: string }
  | { readonly hex: string }
  /** A piece of text, many times. */
  | { readonly repeat: string; readonly times: number }
  /** So many opening pieces, then as many closing ones. */
  | { readonly open: string; readonly close: string; readonly depth: number }

export function bytesOf(blob: Blob): Buffer {
  if ('text' in blob) return Buffer.from(blob.text)
  if ('hex' in blob) return Buffer.from(blob.hex, 'hex')
  if ('repeat' in blob) {
    const piece = Buffer.from(blob.repeat)
    return Buffer.alloc(piece.length * blob.times, piece)
  }
  return Buffer.concat([
    Buffer.alloc(Buffer.byteLength(blob.open) * blob.depth, blob.open),
    Buffer.alloc(Buffer.byteLength(blob.close) * blob.depth, blob.close),
  ])
}

/** Bytes that are no UTF-8, each in its own way: cut short, overlong, a surrogate, beyond Unicode, a lone continuation. */
export const brokenUtf8: readonly string[] = ['ff', 'c3', 'c080', 'eda080', 'f4908080', '80', 'fe00', '00ff00']

/** Text that has gone wrong somewhere before. `forged` marks what must never begin a line of a log. */
export const oddText: readonly string[] = [
  '',
  '\u0000',
  '\ufeff',
  '\u001b[31m\nforged line\r\u0007',
  '__proto__',
  'constructor',
  'toString',
  '\ud800',
  '\u202eabc',
  '%00%0a',
  '%{jndi:x}',
  '{}',
  'null',
  'NaN',
  '-1e308',
  '9'.repeat(400),
]

export const hostileText = (maxLength = 2_000): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom(...oddText),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.integer({ min: 1, max: maxLength }).map((length) => 'x'.repeat(length)),
    fc.integer({ min: 1, max: Math.max(1, maxLength >> 4) }).map((times) => '\u001b[2J\nforged'.repeat(times)),
  )

/** Up to `maxBytes` in all. */
export const hostileBlob = (maxBytes = 100_000): fc.Arbitrary<Blob> =>
  fc.oneof(
    hostileText().map((text) => ({ text })),
    fc.constantFrom(...brokenUtf8).map((hex) => ({ hex })),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => ({ hex: Buffer.from(bytes).toString('hex') })),
    fc.record({ repeat: fc.constantFrom('a', '\u0000', 'ü'), times: fc.integer({ min: 0, max: maxBytes >> 1 }) }),
    fc.record({
      open: fc.constantFrom('[', '{"a":'),
      close: fc.constantFrom('', ']', '}'),
      depth: fc.integer({ min: 1, max: Math.max(1, maxBytes / 6) | 0 }),
    }),
  )
