/** Writes JSON on one line, with bytes as base64. */
export const encode = (value) =>
  JSON.stringify(value, (_key, part) =>
    part instanceof Uint8Array || part?.type === 'Buffer' ? { base64: Buffer.from(part).toString('base64') } : part,
  )

export const decode = (line) =>
  JSON.parse(line, (_key, part) =>
    typeof part?.base64 === 'string' ? new Uint8Array(Buffer.from(part.base64, 'base64')) : part,
  )
