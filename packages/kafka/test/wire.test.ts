import { createRequire } from 'node:module'
import zlib, { gzipSync } from 'node:zlib'
import type { RawMessage } from '@mq/core'
import { emptyHeaders } from '@mq/core/adapter'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createErrorFromCode, partitionFor } from '../src/driver/protocol.js'
import { ByteReader, HeaderReader } from '../src/driver/records/readers.js'
import { type KafkaRecord, readBatches } from '../src/driver/records/record-batch.js'
import { type OutgoingRecord, recordBytes, writeBatch } from '../src/driver/records/record-writer.js'
import { maxUnpackedBytes } from '../src/driver/records/unpack.js'
import { isAmbiguous } from '../src/publish/refusals.js'
import { createNames } from '../src/topology/plans.js'
import { heldMs, maxDelayMs, tierFor, tiersMs } from '../src/topology/tiers.js'
import { decodeRecord, encodeRecord } from '../src/wire/record.js'

const load = createRequire(import.meta.url)
const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(batch: object): Promise<{ readonly buffer: Buffer }>
}
const Record = load('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object

/** Node has it from 22.15 on. */
const zstdPacked = (zlib as { zstdCompressSync?: (data: Buffer) => Buffer }).zstdCompressSync

const timestamp = 1_700_000_000_000

/** A batch as kafkajs writes it, with the offset that a broker gives it. */
async function batchOf(
  records: readonly OutgoingRecord[],
  options: { baseOffset?: number; compression?: number; firstTimestamp?: number; apart?: number } = {},
) {
  const { baseOffset = 0, compression = 0, firstTimestamp = timestamp, apart = 1 } = options
  const encoded = records.map((record, index) => {
    const headers = Object.fromEntries(record.headers.map(({ name, value }) => [name, value]))
    return Record({ ...record, headers, offsetDelta: index, timestampDelta: index * apart })
  })
  const { buffer } = await RecordBatch({
    compression,
    records: encoded,
    firstTimestamp,
    maxTimestamp: firstTimestamp + (records.length - 1) * apart,
    lastOffsetDelta: records.length - 1,
  })
  const batch = Buffer.from(buffer)
  batch.writeBigInt64BE(BigInt(baseOffset), 0)
  return batch
}

/** Encodes a number of at most 14 bits. */
const varint = (value: number): number[] => {
  const zigzag = 2 * value
  return zigzag < 0x80
    ? [zigzag]
    : [(zigzag & 0x7f) | 0x80, ...(zigzag < 0x4000 ? [zigzag >>> 7] : [((zigzag >>> 7) & 0x7f) | 0x80, zigzag >>> 14])]
}

const all = { from: 0, aborted: [] }
const value = (text: string): OutgoingRecord => ({ key: null, value: Buffer.from(text), headers: [] })

describe('record batches', () => {
  it('have the last header of a name, and none if that one has no value', () => {
    const header = (name: string, value: string | null): number[] => {
      const text = (part: string): number[] => [2 * part.length, ...Buffer.from(part)]
      return [...text(name), ...(value === null ? [1] : text(value))]
    }
    const data = Buffer.from([2 * 3, ...header('a', '1'), ...header('b', '2'), ...header('a', null)])
    expect(new HeaderReader().read(data, new ByteReader(data))).toEqual([{ name: 'b', value: '2' }])
  })

  it('have at most 10,000 headers, which are gone through once even if half of them remove others', async () => {
    const headers = (count: number, values: boolean): Buffer => {
      const some = Array.from({ length: count }, (_, index) => {
        const name = Buffer.from(`h${10_000 + index}`)
        const isTaken = !values && index >= count / 2
        return [2 * name.length, ...name, ...(isTaken ? [1] : [2, 0x61])]
      })
      return Buffer.from([...varint(count), ...some.flat()])
    }
    const reader = new HeaderReader()
    const read = (data: Buffer) => reader.read(data, new ByteReader(data))
    expect(read(headers(10_000, true))).toHaveLength(10_000)
    expect(() => read(headers(10_001, true))).toThrow(RangeError)
    const data = headers(10_000, false)
    // It would be millions of comparisons if each removed its own from a list of all those before it.
    const searches = (['filter', 'splice', 'find', 'findIndex', 'findLastIndex', 'some'] as const).map((method) =>
      vi.spyOn(Array.prototype, method),
    )
    const left = read(data)
    const searched = searches.reduce((sum, { mock }) => sum + mock.calls.length, 0)
    vi.restoreAllMocks()
    expect({ left: left.length, searched }).toEqual({ left: 5_000, searched: 1 })
    const one = { key: null, value: Buffer.from('many'), headers: [] }
    const many = { ...one, headers: Array.from({ length: 10_001 }, (_, index) => ({ name: `h${index}`, value: '' })) }
    const log = Buffer.concat([await batchOf([many]), await batchOf([one], { baseOffset: 1 })])
    const { records } = await readBatches(log, all)
    expect(records.map(({ unreadable }) => unreadable?.cause.message)).toEqual([
      'A record has 10001 headers; at most 10000 are read',
      undefined,
    ])
  })

  it('are read as kafkajs writes them, compressed or not', async () => {
    const written: OutgoingRecord[] = [
      {
        key: 'k',
        value: Buffer.from([0, 255]),
        headers: [
          { name: 'a', value: '1' },
          { name: 'b', value: Buffer.from([7]) },
        ],
      },
      { key: null, value: null, headers: [] },
      { key: '', value: Buffer.alloc(0), headers: [{ name: 'empty', value: '' }] },
    ]
    for (const compression of [0, 1]) {
      const { records, nextOffset } = await readBatches(await batchOf(written, { baseOffset: 41, compression }), all)
      expect(nextOffset).toBe(44)
      expect(records.map(({ offset, timestampMs }) => [offset, timestampMs])).toEqual([
        [41, timestamp],
        [42, timestamp + 1],
        [43, timestamp + 2],
      ])
      expect(records.map(({ key }) => key?.toString())).toEqual(['k', undefined, ''])
      expect(records[0]?.value).toEqual(Buffer.from([0, 255]))
      // These are attributes, timestamp and offset, the key, the value, and the headers, each with its length.
      expect(records[0]?.bytes).toBe(3 + 2 + 3 + 1 + 2 * 4)
      expect(records[1]?.value).toBeUndefined()
      expect(records[0]?.headers).toEqual([
        { name: 'a', value: '1' },
        { name: 'b', value: '\u0007' },
      ])
    }
  })

  it('are read together as each of them alone, although texts are reused from the record before', async () => {
    const header = fc.record({ name: fc.constantFrom('a', 'b'), value: fc.constantFrom('', '1', '2', '10', '20') })
    const headers = fc.uniqueArray(header, { selector: ({ name }) => name, maxLength: 2 })
    const records = fc.array(
      headers.map((some) => ({ ...value('v'), headers: some })),
      { minLength: 1, maxLength: 3 },
    )
    const batch = fc.tuple(records, fc.constantFrom(0, 1))
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 6 }), async (given) => {
        const batches = await Promise.all(given.map(([some, compression]) => batchOf(some, { compression })))
        const alone = await Promise.all(batches.map((one) => readBatches(one, all)))
        const together = await readBatches(Buffer.concat(batches), all)
        expect(together.records).toEqual(alone.flatMap((read) => read.records))
      }),
    )
  })

  it('are written as kafkajs writes them, to the last bit', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((content) => Buffer.from(content))
    const few = fc.oneof(fc.constantFrom('', 'a', 'b', 'ü', '\u{1f600}', 'x'.repeat(200)), bytes)
    const header = fc.record({ name: fc.constantFrom('h', 'g', 'ö', 'n'.repeat(70)), value: few })
    const headers = fc.uniqueArray(header, { selector: ({ name }) => name, maxLength: 4 })
    const record = fc.record({ key: fc.option(fc.string()), value: fc.option(bytes), headers })
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 80 }), async (records) => {
        const written = await writeBatch(records, 0)
        const firstTimestamp = Number(written.readBigInt64BE(27))
        const expected = await batchOf(records, { firstTimestamp, apart: 0 })
        expect(written.equals(expected)).toBe(true)
        const most = records.reduce((sum, one) => sum + recordBytes(one), 61)
        expect(most).toBeGreaterThanOrEqual(written.length)
      }),
    )
  })

  it('are written compressed on demand', async () => {
    const records = [value('a'.repeat(1_000)), value('b')]
    const written = await writeBatch(records, 1)
    expect(written.length).toBeLessThan(200)
    const read = await readBatches(written, all)
    expect(read.records.map(({ value: content }) => content)).toEqual(records.map(({ value: content }) => content))
  })

  it('that were cut off at the end are left for the next read', async () => {
    const [first, second] = [await batchOf([value('a')]), await batchOf([value('b')], { baseOffset: 1 })]
    for (const cut of [1, 20, 60, second.length - 1]) {
      const data = Buffer.concat([first, second.subarray(0, cut)])
      const { records, nextOffset } = await readBatches(data, all)
      expect([records.length, nextOffset]).toEqual([1, 1])
    }
    expect(await readBatches(first.subarray(0, 30), all)).toEqual({ records: [], nextOffset: undefined })
  })

  it('that begin before the wanted offset give only the rest', async () => {
    const batch = await batchOf([value('a'), value('b'), value('c')], { baseOffset: 10 })
    const { records } = await readBatches(batch, { from: 12, aborted: [] })
    expect(records.map(({ offset }) => offset)).toEqual([12])
  })

  it('that are damaged become one unreadable record with their bytes, and the next is read', async () => {
    const damaged = await batchOf([value('a'), value('b')])
    damaged.fill(0xff, 62)
    const data = Buffer.concat([damaged, await batchOf([value('c')], { baseOffset: 2 })])
    const { records, nextOffset } = await readBatches(data, all)
    expect(records.map(({ offset, unreadable }) => [offset, unreadable !== undefined])).toEqual([
      [0, true],
      [2, false],
    ])
    expect(records[0]?.value).toEqual(damaged)
    expect(nextOffset).toBe(3)
  })

  it('of a compression bomb are unreadable, and take no memory', async () => {
    const header = (await batchOf([value('a')], { compression: 1 })).subarray(0, 61)
    const bomb = Buffer.concat([header, gzipSync(Buffer.alloc(129 * 1024 * 1024), { level: 1 })])
    bomb.writeInt32BE(bomb.length - 12, 8)
    expect(bomb.length).toBeLessThan(1024 * 1024)
    const { records } = await readBatches(bomb, all)
    expect(records[0]?.unreadable?.cause).toBeInstanceOf(Error)
  })

  it('are unpacked into one piece of memory, and are unreadable if they lie about their size', async () => {
    const batch = await batchOf([value('x'.repeat(1_000_000))], { compression: 1 })
    const joined = vi.spyOn(Buffer, 'concat')
    onTestFinished(() => joined.mockRestore())
    const lengthOf = async (): Promise<number | undefined> => (await readBatches(batch, all)).records[0]?.value?.length
    expect({ length: await lengthOf(), joined: joined.mock.calls.length }).toEqual({ length: 1_000_000, joined: 0 })
    for (const lie of [0, 4_000_000_000]) {
      batch.writeUInt32LE(lie, batch.length - 4)
      expect((await readBatches(batch, all)).records[0]?.unreadable?.cause).toBeInstanceOf(Error)
    }
  })

  it.skipIf(zstdPacked === undefined)('in zstd are unpacked by Node, and within the bound', async () => {
    const batchWith = async (text: string): Promise<Buffer> => {
      const plain = await batchOf([value(text)])
      const batch = Buffer.concat([plain.subarray(0, 61), zstdPacked?.(plain.subarray(61)) ?? plain])
      batch.writeInt32BE(batch.length - 12, 8)
      batch.writeInt16BE(4, 21)
      return batch
    }
    const { records } = await readBatches(await batchWith('hello'), all)
    expect(records.map((record) => String(record.value))).toEqual(['hello'])
    const budget = { maxBytes: 1_000_000, left: 1_000_000 }
    const [bomb] = (await readBatches(await batchWith('x'.repeat(2_000_000)), { ...all, budget })).records
    expect(bomb?.unreadable?.cause.message).toContain('more than 1000000 bytes')
  })

  it('that grow large together are read in turns, at least one at a time', async () => {
    const large = { key: null, value: Buffer.alloc(40 * 1024 * 1024), headers: [] }
    const offsets = [0, 1, 2, 3]
    const batches = await Promise.all(offsets.map((baseOffset) => batchOf([large], { baseOffset, compression: 1 })))
    const log = Buffer.concat(batches)
    for (const from of offsets) {
      const budget = { maxBytes: maxUnpackedBytes, left: maxUnpackedBytes }
      const read = await readBatches(log, { from, aborted: [], budget })
      expect([read.records.map(({ offset }) => offset), read.nextOffset]).toEqual([[from], from + 1])
      // The partitions of an answer share what is left.
      expect((await readBatches(log, { from, aborted: [], budget })).records).toEqual([])
    }
  })

  it('leave nothing of their memory with a small record of a batch that grew large', async () => {
    const records = [{ ...value('small'), key: Buffer.from('key') }, value('x'.repeat(2 * 1024 * 1024)), value('last')]
    const read = await readBatches(await batchOf(records, { compression: 1 }), all)
    const [first, large, last] = read.records
    expect([first, last].map((record) => String(record?.value))).toEqual(['small', 'last'])
    expect([String(first?.key), large?.value?.length]).toEqual(['key', 2 * 1024 * 1024])
    for (const kept of [first?.key, first?.value, last?.value]) expect(kept?.buffer.byteLength).toBeLessThan(64 * 1024)
  })

  it('are read without an exception for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const batch = await batchOf([value('some'), value('records')])
        const length = batch.length
        Buffer.from(bytes).copy(batch, 61)
        const { nextOffset } = await readBatches(batch, all)
        expect([batch.length, nextOffset]).toEqual([length, 2])
      }),
    )
  })
})

describe('a refusal to publish', () => {
  it.each([
    [6, 'NOT_LEADER_FOR_PARTITION', true],
    [7, 'REQUEST_TIMED_OUT', true],
    [20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', true],
    [56, 'KAFKA_STORAGE_ERROR', true],
    [10, 'MESSAGE_TOO_LARGE', false],
    [19, 'NOT_ENOUGH_REPLICAS', false],
  ])('of the code %d, %s, leaves open whether it was stored: %s', (code, type, isOpen) => {
    const error = createErrorFromCode(code)
    expect([error.type, isAmbiguous(error)]).toEqual([type, isOpen])
  })
})

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const message = fc.record({
  id: text,
  source: fc.constant('/s'),
  type: fc.constant('t'),
  time: fc.constant('2026-01-01T00:00:00.000Z'),
  contentType: fc.constantFrom('application/json', 'text/plain'),
  extensions: fc.constant(emptyHeaders),
  headers: fc.dictionary(fc.stringMatching(/^h[a-z.-]{0,10}$/), text),
  body: fc.uint8Array({ maxLength: 50 }),
})

describe('messages', () => {
  it('of another program cannot pass for the beginning of a larger one, or for a batch', () => {
    const headers = ['mq-stub', 'mq-stub-of-bytes', 'mq-batch', 'other'].map((name) => ({ name, value: 't/0/1' }))
    const record = { offset: 1, bytes: 1, timestampMs: timestamp, key: undefined, value: Buffer.from('1'), headers }
    const at = { topic: 't', partition: 0 }
    expect({ ...decodeRecord(record, at).message.headers }).toEqual({ other: 't/0/1' })
    expect(decodeRecord(record, { ...at, isLetter: true }).message.headers).toMatchObject({ 'mq-stub': 't/0/1' })
  })

  it('come back as they were written, with attempt, delay and failure', async () => {
    const failure = {
      reason: 'error' as const,
      error: { name: 'Error', message: 'zu spät' },
      attempts: 2,
      firstFailedAt: 1,
      failedAt: 2,
    }
    await fc.assert(
      fc.asyncProperty(message, fc.option(text, { nil: undefined }), async (fields, key) => {
        const written: RawMessage = { ...fields, ...(key !== undefined && { key }) }
        const record = encodeRecord(written, { attempt: 3, failure, delayMs: 250 })
        const batch = await batchOf([record])
        expect(recordBytes(record)).toBeGreaterThanOrEqual(batch.length - 61 - 5)
        const [read] = (await readBatches(batch, all)).records
        const decoded = decodeRecord(read as NonNullable<typeof read>, { topic: 't', partition: 0 })
        expect({
          ...decoded.message,
          body: [...decoded.message.body],
          headers: { ...decoded.message.headers },
        }).toEqual({
          ...written,
          body: [...written.body],
          headers: { ...written.headers },
        })
        expect(decoded).toMatchObject({ attempt: 3, failure, dueMs: timestamp + 250 })
      }),
    )
  })
})

describe('decoding', () => {
  const at = { topic: 't', partition: 0 }
  const recordAt = (timestampMs: number, headers: Readonly<Record<string, string>> = {}): KafkaRecord => ({
    offset: 7,
    bytes: 10,
    timestampMs,
    key: undefined,
    value: Buffer.from('{}'),
    headers: Object.entries(headers).map(([name, content]) => ({ name, value: content })),
  })

  it.each([
    [1.7e18, '9999-12-31T23:59:59.999Z'],
    [-1e17, '0000-01-01T00:00:00.000Z'],
    [Number.NaN, '1970-01-01T00:00:00.000Z'],
  ])('takes the timestamp %d, which is no date, for the nearest one', (timestampMs, nearest) => {
    const time = '2026-01-01T00:00:00.000Z'
    expect(decodeRecord(recordAt(timestampMs), at).message.time).toBe(nearest)
    expect(decodeRecord(recordAt(timestampMs, { ce_time: 'soon' }), at).message.time).toBe(nearest)
    expect(decodeRecord(recordAt(timestampMs, { ce_time: time }), at).message.time).toBe(time)
    const unknown = decodeRecord(recordAt(timestampMs, { ce_specversion: '7.0', ce_time: time }), at)
    expect(unknown).toMatchObject({ message: { time: nearest }, decodeError: { code: 'MQ_UNDECODABLE' } })
    // A retry or a dead letter that is written of it can be read again.
    expect(unknown.message.time).toBe(new Date(unknown.message.time).toISOString())
    expect(() => encodeRecord(unknown.message)).not.toThrow()
  })

  it.each([
    [1.7e18, '60000', 60_000],
    [-1e17, '60000', 0],
    [timestamp, 'Infinity', maxDelayMs],
    [1.7e18, '1e300', maxDelayMs],
  ])(
    'of the timestamp %d with a delay of %s has nothing wait for longer than a delay may be',
    (timestampMs, delay, most) => {
      const { dueMs } = decodeRecord(recordAt(timestampMs, { 'mq-delay': delay }), at)
      expect(dueMs).toBeLessThanOrEqual(Date.now() + most)
    },
  )

  it('gives the bytes and an error for any failure', () => {
    const broken: KafkaRecord = {
      ...recordAt(timestamp),
      get headers(): never {
        throw new Error('of all things')
      },
    }
    expect(decodeRecord(broken, at)).toMatchObject({
      attempt: 1,
      dueMs: 0,
      message: { id: 't/0/7', body: Buffer.from('{}') },
      decodeError: { code: 'MQ_UNDECODABLE' },
    })
  })
})

describe('waiting times', () => {
  it('add up to the delay, never less, in at most seven steps for each partition', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 * 24 * 3600 * 1000 }), (delayMs) => {
        let waited = 0
        const steps: number[] = []
        while (delayMs - waited > heldMs) {
          const tier = tierFor(delayMs - waited)
          steps.push(tier)
          waited += tiersMs[tier] as number
          expect(tiersMs[tier]).toBeGreaterThan(0)
        }
        expect(waited).toBeLessThanOrEqual(delayMs)
        for (const tier of new Set(steps)) {
          if (tier < tiersMs.length - 1) expect(steps.filter((one) => one === tier).length).toBeLessThanOrEqual(7)
        }
      }),
    )
  })
})

describe('names', () => {
  const { topic, delay, retry, dead, group } = createNames(undefined)
  it('at the broker are those of the application, with the group and a suffix behind them', () => {
    const ref = { topic: 'user.created', group: 'mailer' }
    expect([topic('user.created'), delay('user.created'), retry(ref), dead(ref), group(ref)]).toEqual([
      'user.created',
      'user.created---delay',
      'user.created--mailer---retry',
      'user.created--mailer---dead',
      'user.created--mailer',
    ])
    expect(createNames('shop').retry(ref)).toBe('shop--user.created--mailer---retry')
  })

  it('are never the same for two things, and are short enough', () => {
    const name = fc.stringMatching(/^[a-z](?:[._-]?[a-z0-9]){0,6}$/)
    fc.assert(
      fc.property(name, name, name, name, (a, b, c, d) => {
        const of = (one: string, two: string): string[] => [
          topic(one),
          delay(one),
          retry({ topic: one, group: two }),
          dead({ topic: one, group: two }),
        ]
        const [left, right] = [of(a, b), of(c, d)]
        if (a !== c) expect(left.filter((one) => right.includes(one))).toEqual([])
        if (b !== d) expect(left.slice(2).filter((one) => right.includes(one))).toEqual([])
      }),
    )
    const longest = 'x'.repeat(100)
    expect(createNames(longest).retry({ topic: longest, group: longest }).length).toBeLessThanOrEqual(249)
  })
})

it('a key goes to the partition that Kafka’s own clients choose for it', () => {
  // Values of org.apache.kafka.common.utils.Utils.murmur2.
  expect(['21', 'foobar', 'a-little-bit-long-string'].map((key) => partitionFor(key, 1 << 30))).toEqual(
    [-973932308, -790332482, -985981536].map((hash) => (hash & 0x7fffffff) % (1 << 30)),
  )
})
