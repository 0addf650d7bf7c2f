import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { lookupCodec } from '../protocol.js'

// See docs/decisions/0025-kafka-codecs.md.

/** Says that a batch cannot be read because no codec for its compression is registered with kafkajs. */
export class MissingCodecError extends Error {
  override readonly name = 'MissingCodecError'
}

/** The memory that the compressed batches of one answer may take, unpacked. */
export interface UnpackBudget {
  readonly maxBytes: number
  left: number
}

/** The budget of an answer. It is a few megabytes at most, so one that grows beyond this is an attack. */
export const maxUnpackedBytes = 64 * 1024 * 1024

const gzip = 1
const zstd = 4
const gunzipped = promisify(zlib.gunzip)
/** Node has it from 22.15 on. */
const { zstdDecompress } = zlib as { zstdDecompress?: typeof zlib.gunzip }
const zstdUnpacked = zstdDecompress === undefined ? undefined : promisify(zstdDecompress)

/**
 * Unpacks the content of a batch. Resolves with undefined if there is no room left for it in the answer. Rejects if it is larger
 * than a whole answer may be, or damaged, and with a `MissingCodecError` if there is no codec for it.
 */
export async function unpack(packed: Buffer, compression: number, budget: UnpackBudget): Promise<Buffer | undefined> {
  if (budget.left === 0) return undefined
  const mayWait = budget.left < budget.maxBytes
  const unpacked = await unpackWithin(packed, compression, budget.left).catch((error) => {
    if (!isTooLong(error)) throw error
    // The part that was unpacked counts, so that no further batch of the answer is tried.
    budget.left = 0
    if (mayWait) return undefined
    throw new Error(`Its records take more than ${budget.maxBytes} bytes when they are unpacked`)
  })
  if (unpacked !== undefined) budget.left = Math.max(0, budget.left - unpacked.length)
  return unpacked
}

const isTooLong = (error: unknown): boolean => (error as { readonly code?: string }).code === 'ERR_BUFFER_TOO_LARGE'

async function unpackWithin(packed: Buffer, compression: number, maxBytes: number): Promise<Buffer> {
  // The gzip codec of kafkajs has no limit.
  if (compression === gzip) {
    return await gunzipped(packed, { maxOutputLength: maxBytes, chunkSize: gunzipChunk(packed, maxBytes) })
  }
  // Node's has a limit, which those that can be registered lack.
  if (compression === zstd && zstdUnpacked !== undefined)
    return await zstdUnpacked(packed, { maxOutputLength: maxBytes })
  const unpacked = await codecFor(compression).decompress(packed)
  if (unpacked.length <= maxBytes) return unpacked
  throw Object.assign(new Error('It is too long'), { code: 'ERR_BUFFER_TOO_LARGE' })
}

const minChunkBytes = 16 * 1024
/** No data is packed more closely. */
const maxGzipRatio = 1_032

/**
 * Chooses a chunk that holds all at once, by the size at the end of the data. Many small chunks would take the memory twice, as they
 * are put together.
 */
function gunzipChunk(packed: Buffer, maxBytes: number): number {
  const said = packed.length < 4 ? 0 : packed.readUInt32LE(packed.length - 4)
  // A chunk that is filled to its last byte is followed by another one.
  return Math.max(minChunkBytes, Math.min(said, maxBytes, packed.length * maxGzipRatio) + 1)
}

/** Packages with codecs for kafkajs, by the number of the compression in a batch. */
const packages: Readonly<Record<number, { readonly compression: string; readonly name: string }>> = {
  2: { compression: 'Snappy', name: 'kafkajs-snappy' },
  3: { compression: 'LZ4', name: 'kafkajs-lz4' },
  4: { compression: 'ZSTD', name: '@kafkajs/zstd' },
}

function codecFor(compression: number) {
  const known = packages[compression]
  try {
    const codec = lookupCodec(compression)
    if (codec !== null) return codec
  } catch (cause) {
    if (known === undefined || (cause as Error).name !== 'KafkaJSNotImplemented') throw cause
    const { compression: type, name } = known
    const help = `install ${name} and register it as CompressionCodecs[CompressionTypes.${type}] of kafkajs`
    throw new MissingCodecError(`it is compressed with ${type}; ${help}`, { cause })
  }
  throw new Error(`Compression ${compression} is not known`)
}
