import * as fc from 'fast-check'
import type { Kafka } from 'kafkajs'
import type { Arena } from '../../arena.js'
import { type Blob, brokenUtf8, bytesOf, hostileBlob, hostileText } from '../../blob.js'
import { type Attack, type Generator, generator, type Written } from '../../hostile.js'
import { type Batch, type BatchRecord, type Codec, encodeBatch, type Lies } from './batch.js'
import type { RawKafka } from './raw.js'

/** The topics of a group as the README of @mq/kafka names them. */
type Into = 'main' | 'delay' | 'retry' | 'dead' | 'notes'

const topicOf = (into: Into, { topic, group }: Arena): string =>
  ({
    main: topic,
    delay: `${topic}---delay`,
    retry: `${topic}--${group}---retry`,
    dead: `${topic}--${group}---dead`,
    notes: `${topic}--${group}---dead`,
  })[into]

export const partitions = 2
const partitionsOf: Record<Into, number> = { main: partitions, delay: 1, retry: 7, dead: 1, notes: 1 }

const text = (value: string): Blob => ({ text: value })
const json = text('1')

const headerNames = [
  'ce_id',
  'ce_type',
  'ce_source',
  'ce_time',
  'ce_specversion',
  'ce_partitionkey',
  'content-type',
  'mq-attempt',
  'mq-failure',
  'mq-delay',
  'ce_',
  'ce_taskreplyto',
  '__proto__',
  '',
] as const

const numbers = fc.constantFrom('0', '-1', '1e308', 'NaN', 'Infinity', '31536000001', '9007199254740993', '5')

const header: fc.Arbitrary<readonly [Blob, Blob | undefined]> = fc.tuple(
  fc.oneof(
    fc.constantFrom(...headerNames).map(text),
    fc.constantFrom(...brokenUtf8).map((hex) => ({ hex })),
    hostileText(200).map(text),
  ),
  fc.option(fc.oneof(hostileBlob(20_000), numbers.map(text)), { nil: undefined }),
)

const record: fc.Arbitrary<BatchRecord> = fc.record({
  key: fc.option(hostileBlob(2_000), { nil: undefined }),
  value: fc.option(hostileBlob(100_000), { nil: undefined }),
  headers: fc.array(header, { maxLength: 8 }),
})

const hour = 60 * 60 * 1_000
const timestamp = fc.constantFrom(-1, 0, 1, Date.UTC(1970, 0, 2), 8_640_000_000_000_001, Number.MAX_SAFE_INTEGER)

const keyName = (topic: string, key: Blob | undefined): string =>
  `${topic} ${key === undefined ? 'null' : bytesOf(key).toString('hex')}`

interface Entry {
  readonly into: Into
  readonly partition: number
  readonly batch: Batch
}

export function kafkaGenerators(raw: RawKafka, client: Kafka): readonly Generator[] {
  const keysOfDead = new Set<string>()

  async function write({ into, partition, batch }: Entry, { arena, mark }: Attack): Promise<Written> {
    const topic = topicOf(into, arena)
    const at = into === 'notes' ? 1 : into === 'dead' ? 0 : partition % partitionsOf[into]
    const records = batch.records.map((one) => ({
      ...one,
      headers: [...one.headers, [text('fuzzmark'), text(mark)] as const],
    }))
    // A record whose answer is lost may be there. Only one that is refused has no place.
    const keys = into === 'dead' ? records.map(({ key }) => keyName(topic, key)) : []
    const isFirst = keys.every((key) => !keysOfDead.has(key))
    for (const key of keys) keysOfDead.add(key)
    const offset = await raw.produce(topic, at, encodeBatch({ ...batch, records }))
    const bytes = records.reduce((sum, one) => sum + sizeOf(one), 0)
    const ids = records.flatMap(({ headers }) =>
      headers.flatMap(([name, value]) =>
        bytesOf(name).toString() === 'ce_id' && value !== undefined ? [bytesOf(value).toString()] : [],
      ),
    )
    if (offset === undefined) {
      if (isFirst) for (const key of keys) keysOfDead.delete(key)
      return { fate: 'refused', names: [mark], bytes }
    }
    const names = [mark, `${topic}/${at}/${offset}`, `${into}.${at}.${offset}.*`, ...ids]
    return { fate: fateOf(into, records, isFirst), names, bytes }
  }

  /** Among the dead letters a record without a value strikes one out, and of one key the first counts. */
  function fateOf(into: Into, records: readonly BatchRecord[], isFirst: boolean): Written['fate'] {
    if (into === 'notes') return 'ignored'
    // As long as somebody has asked for, up to a year.
    if (records.some(waits)) return 'ignored'
    if (into !== 'dead') return 'settled'
    return isFirst && records.every(({ value }) => value !== undefined) ? 'listed' : 'ignored'
  }

  const into = (name: Into): fc.Arbitrary<Into> => fc.constant(name)
  const partition = fc.integer({ min: 0, max: 6 })
  const one = (
    given: fc.Arbitrary<BatchRecord>,
    codec: fc.Arbitrary<Codec> = fc.constant('none'),
  ): fc.Arbitrary<Batch> => fc.record({ records: given.map((single) => [single]), codec })
  const of = (
    name: string,
    where: fc.Arbitrary<Into>,
    batch: fc.Arbitrary<Batch>,
    maxLength = 10,
    { noReplay, ...more }: Pick<Generator, 'arena' | 'ruins'> & Pick<Written, 'noReplay'> = {},
  ): Generator =>
    generator({
      name: `kafka/${name}`,
      entries: fc.array(fc.record({ into: where, partition, batch }), { minLength: 1, maxLength }),
      write: async (entry, attack) => ({ ...(await write(entry, attack)), ...(noReplay && { noReplay }) }),
      ...more,
    })
  const bomb = (megabytes: fc.Arbitrary<number>): fc.Arbitrary<Batch> =>
    one(
      megabytes.map((size) => ({ value: { repeat: '\u0000', times: size * 1_000_000 }, headers: [] })),
      fc.constant('gzip'),
    )
  const lies: fc.Arbitrary<Lies> = fc.record(
    {
      count: fc.constantFrom(-1, 1, 1_000_000),
      lastOffset: fc.constantFrom(-1, 1, 100),
      recordLength: fc.constantFrom(-1, 1, 100_000),
      headerCount: fc.constantFrom(-1, 1, 10_001, 2_000_000_000),
      tail: hostileBlob(50),
    },
    { requiredKeys: [] },
  )
  const packedCodecs = fc.constantFrom<Codec[]>('snappy', 'lz4', 'zstd')
  const codecs = fc.constantFrom<Codec[]>('snappy', 'lz4', 'zstd', 'unknown')
  const plain: BatchRecord = { value: json, headers: [] }
  const large = (bytes: fc.Arbitrary<number>): fc.Arbitrary<BatchRecord> =>
    bytes.map((times) => ({ value: { repeat: '\u0001', times }, headers: [] }))
  const byHeaders = fc.oneof(
    fc.integer({ min: 1_000, max: 30_000 }).map(
      (count): BatchRecord => ({
        value: json,
        headers: Array.from({ length: count }, (_, index) => [text(`h${index}`), text('v')] as const),
      }),
    ),
    fc
      .integer({ min: 30_000, max: 900_000 })
      .map((times): BatchRecord => ({ value: json, headers: [[text('large'), { repeat: 'a', times }]] })),
  )

  return [
    of('records', into('main'), one(record)),
    of('ordered', into('main'), one(record), 20, { arena: { ordered: true } }),
    of('delay', into('delay'), one(record)),
    of('retry', into('retry'), one(record)),
    of('dead', into('dead'), one(record)),
    of('notes', into('notes'), one(record)),
    of(
      'timestamps',
      fc.constantFrom<Into[]>('main', 'retry', 'delay'),
      fc.record({
        records: fc.constant([plain]),
        codec: fc.constant<Codec>('none'),
        timestamp: fc.oneof(
          timestamp,
          fc.integer({ min: -hour, max: hour }).map((ms) => Date.now() + ms),
        ),
      }),
    ),
    of('headers', fc.constantFrom<Into[]>('main', 'retry', 'delay'), one(byHeaders), 5),
    of('dead-headers', into('dead'), one(byHeaders), 5),
    of(
      'full',
      fc.constantFrom<Into[]>('main', 'retry', 'delay'),
      one(large(fc.integer({ min: 900_000, max: 1_048_000 }))),
      6,
    ),
    of('unpacked', into('main'), bomb(fc.integer({ min: 1, max: 8 })), 6),
    of('bombs', into('main'), bomb(fc.integer({ min: 20, max: 130 })), 12),
    of('dead-bombs', into('dead'), bomb(fc.integer({ min: 20, max: 130 })), 8),
    // Whoever installs the codec can replay it.
    of('codecs', into('main'), one(fc.constant(plain), codecs), 6, { noReplay: true }),
    of('own-codecs', fc.constantFrom<Into[]>('retry', 'delay'), one(fc.constant(plain), packedCodecs), 2, {
      ruins: 'group',
    }),
    // Whoever has the codec can read them, so each is a dead letter that stays.
    of(
      'dead-codecs',
      into('dead'),
      one(fc.constant({ ...plain, key: text('foreign') }), fc.constantFrom<Codec[]>('snappy', 'lz4')),
      2,
      { noReplay: true },
    ),
    of(
      'lies',
      fc.constantFrom<Into[]>('main', 'retry', 'delay', 'dead', 'notes'),
      fc.record({ records: fc.constant([plain]), codec: fc.constantFrom<Codec[]>('none', 'gzip'), lies }),
      8,
    ),
    generator({
      name: 'kafka/tombstones',
      entries: fc.array(fc.record({ key: fc.option(hostileBlob(50), { nil: undefined }), partition }), {
        minLength: 1,
        maxLength: 6,
      }),
      async write({ key, partition: at }, attack) {
        const written = await write(
          { into: 'main', partition: at, batch: { records: [{ key, headers: [] }], codec: 'none' } },
          attack,
        )
        return written.fate === 'settled' ? { ...written, fate: 'handled', exact: true } : written
      },
    }),
    generator({
      name: 'kafka/transactions',
      entries: fc.array(fc.record({ commit: fc.boolean(), count: fc.integer({ min: 1, max: 20 }) }), {
        minLength: 1,
        maxLength: 3,
      }),
      async write({ commit, count }, { arena, mark }) {
        const producer = client.producer({
          transactionalId: `fuzz-${mark}`,
          idempotent: true,
          maxInFlightRequests: 1,
          allowAutoTopicCreation: false,
        })
        await producer.connect()
        try {
          const transaction = await producer.transaction()
          const messages = Array.from({ length: count }, () => ({ value: '1', headers: { fuzzmark: mark } }))
          await transaction.send({ topic: arena.topic, messages })
          await (commit ? transaction.commit() : transaction.abort())
        } finally {
          await producer.disconnect()
        }
        return { fate: commit ? 'settled' : 'ignored', names: [mark], bytes: count }
      },
    }),
  ]
}

const waits = ({ headers }: BatchRecord): boolean =>
  headers.some(
    ([name, value]) =>
      bytesOf(name).toString() === 'mq-delay' && value !== undefined && Number(bytesOf(value).toString()) > 0,
  )

const sizeOf = ({ key, value, headers }: BatchRecord): number =>
  [key, value, ...headers.flat()].reduce((sum, blob) => sum + (blob === undefined ? 0 : bytesOf(blob).length), 0)
