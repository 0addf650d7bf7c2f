import * as fc from 'fast-check'
import type { Arena } from '../../arena.js'
import { type Blob, bytesOf, hostileBlob, hostileText } from '../../blob.js'
import { type Attack, type Generator, generator, type Written } from '../../hostile.js'
import type { Field, Table } from './field.js'
import type { RawMessage, RawRabbit } from './raw.js'

/** Where an entry goes, as the README of @mq/rabbitmq names it. */
export type Into = 'topic' | 'group' | 'dead' | 'due' | 'delay'

interface Entry extends Omit<RawMessage, 'exchange' | 'routingKey'> {
  readonly into: Into
}

const named = (...parts: readonly string[]): string =>
  ['mq', ...parts].map((part) => part.replaceAll('_', '-_')).join('--')
export const topicExchange = (topic: string): string => named('topic', topic)
const shortestDelay = `${'0.'.repeat(25)}1`

function addressOf(into: Into, { topic, group }: Arena): Pick<RawMessage, 'exchange' | 'routingKey'> {
  const queue = named('group', topic, group)
  switch (into) {
    case 'topic':
      return { exchange: topicExchange(topic), routingKey: 'any' }
    case 'group':
      return { exchange: '', routingKey: queue }
    case 'dead':
      return { exchange: '', routingKey: named('dead', topic, group) }
    case 'due':
      return { exchange: named('due', topic), routingKey: '' }
    case 'delay':
      return { exchange: named('delay', '00'), routingKey: `${shortestDelay}.${queue.replaceAll('.', '/')}` }
  }
}

const hexOf = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString('hex'))

/** Every type that there is, within its bounds and at them. */
const scalar: fc.Arbitrary<Field> = fc.oneof(
  hostileText(500).map((text) => ({ text: { text } })),
  fc.constantFrom('ff', 'c3', 'eda080').map((hex) => ({ text: { hex } })),
  fc.constantFrom('00', '01', '02').map((hex) => ({ type: 't', hex })),
  fc.constantFrom('b', 'B').chain((type) => hexOf(1).map((hex) => ({ type, hex }))),
  fc.constantFrom('s', 'u').chain((type) => hexOf(2).map((hex) => ({ type, hex }))),
  fc.constantFrom('I', 'i', 'f').chain((type) => hexOf(4).map((hex) => ({ type, hex }))),
  fc.constantFrom('l', 'd').chain((type) => hexOf(8).map((hex) => ({ type, hex }))),
  fc
    .constantFrom('ffffffffffffffff', '7fffffffffffffff', '0000000000000000', '0001000000000000')
    .map((hex) => ({ type: 'T', hex })),
  fc.constantFrom('7ff0000000000000', '7ff8000000000000', 'ffefffffffffffff').map((hex) => ({ type: 'd', hex })),
  hexOf(5).map((hex) => ({ type: 'D', hex })),
  fc.constant({ type: 'V', hex: '' }),
  fc.constantFrom('00000000', '00000003c3c3c3').map((hex) => ({ type: 'x', hex })),
)

const field: fc.Arbitrary<Field> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 5 }).map((array) => ({ array })) },
  { weight: 1, arbitrary: fc.array(fc.tuple(hostileText(60), scalar), { maxLength: 5 }).map((table) => ({ table })) },
)

const death: fc.Arbitrary<Field> = fc.oneof(
  field,
  fc
    .record({ reason: field, time: field, count: field, queue: field, exchange: field })
    .map((fields) => ({ array: [{ table: Object.entries(fields) }] })),
)

const knownNames = [
  'cloudEvents:id',
  'cloudEvents_id',
  'cloudEvents:specversion',
  'cloudEvents:time',
  'cloudEvents_time',
  'cloudEvents:type',
  'cloudEvents:source',
  'cloudEvents:partitionkey',
  'cloudEvents:taskreplyto',
  'mq-attempt',
  'mq-failure',
  'mq-entry',
  'mq-time',
  'x-delivery-count',
  'x-acquired-count',
  'x-first-death-reason',
  'x-last-death-queue',
  '__proto__',
  '',
] as const

const headers: fc.Arbitrary<Table> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...knownNames), field) },
    { weight: 1, arbitrary: fc.tuple(hostileText(200), field) },
    { weight: 1, arbitrary: death.map((value): readonly [string, Field] => ['x-death', value]) },
  ),
  { maxLength: 8 },
)

const plain = { headers: fc.constant([] as Table), body: fc.constant<Blob>({ text: '1' }) }
const intoGroup = fc.constantFrom<Into[]>('topic', 'group', 'due', 'delay')
const intoDead = fc.constant<Into>('dead')

/**
 * A RabbitMQ older than 4.0 stops moving what is due, for all queues, once a message with such a header is in a delay queue (the
 * operating page says so). So there it goes to where delayed messages arrive.
 */
const besideDelays = <E extends Entry>(entry: E): E =>
  entry.into === 'delay' && entry.headers.some(([name]) => name === 'x-death') ? { ...entry, into: 'due' } : entry

export function rabbitGenerators(raw: RawRabbit, version: string): readonly Generator[] {
  const standsStill = Number.parseInt(version, 10) < 4
  async function write(entry: Entry, { arena, mark }: Attack): Promise<Written> {
    const { into, ...message } = entry
    const markHeader: Table = [['fuzzmark', { text: { text: mark } }]]
    const isStored = await raw.publish({
      ...message,
      ...addressOf(into, arena),
      headers: [...message.headers, ...markHeader],
    })
    const names = [
      mark,
      message.messageId ?? mark,
      ...textsOf(message.headers, ['cloudEvents:id', 'cloudEvents_id', 'mq-entry']),
    ]
    const bytes = bytesOf(message.body).length
    if (!isStored) return { fate: 'refused', names, bytes }
    // What expires among the dead letters is gone by the will of whoever wrote it.
    const fate = into !== 'dead' ? 'settled' : message.expiration === undefined ? 'listed' : 'ignored'
    return { fate, names, bytes }
  }
  const of = (name: string, entry: fc.Arbitrary<Entry>, maxLength = 10): Generator =>
    generator({ name: `rabbitmq/${name}`, entries: fc.array(entry, { minLength: 1, maxLength }), write })

  const nests = fc.record({
    nest: fc.constantFrom<('table' | 'array')[]>('table', 'array'),
    depth: fc.integer({ min: 10, max: 15_000 }),
  })
  const nestedTable = nests.map((nest): Table => [['deep', nest]])
  /** Lengths that claim more than there is, or less; and letters that stand for no type. */
  const lyingTable = fc
    .constantFrom<Field[]>(
      { type: 'S', hex: '7fffffff61' },
      { type: 'S', hex: '0000000061' },
      { type: 'A', hex: '00000002' },
      { type: 'F', hex: '000000ff0161' },
      { type: 'x', hex: 'ffffffff' },
      { type: 'Z', hex: '' },
      { type: '\u0000', hex: '00' },
      { type: 'l', hex: '01' },
    )
    .map((lie): Table => [['lie', lie]])
  const properties = fc.record(
    {
      contentType: hostileText(250),
      contentEncoding: fc.constantFrom('gzip', 'deflate', 'br', '\u0000', 'identity'),
      deliveryMode: fc.constantFrom(0, 1, 2, 255),
      priority: fc.constantFrom(0, 9, 255),
      correlationId: hostileText(250),
      replyTo: hostileText(250),
      expiration: fc.constantFrom('0', '1', '100', '60000'),
      messageId: hostileText(250),
      timestamp: fc.constantFrom('0', 'ffffffffffffffff', '7fffffffffffffff', '20000000000000', '3afff44180'),
      type: hostileText(250),
      appId: hostileText(250),
    },
    { requiredKeys: [] },
  )
  const long = fc
    .constantFrom(2_000, 60_000, 120_000)
    .map((times): Table => [['cloudEvents:id', { text: { repeat: '\u001b[2J\nforged', times: times / 12 } }]])

  return [
    of(
      'headers',
      fc.record({ into: intoGroup, ...plain, headers }).map((entry) => (standsStill ? besideDelays(entry) : entry)),
    ),
    of('nested', fc.record({ into: intoGroup, ...plain, headers: nestedTable }), 4),
    of('lying', fc.record({ into: intoGroup, ...plain, headers: lyingTable }), 4),
    of(
      'properties',
      fc
        .tuple(intoGroup, properties, hostileBlob(50_000))
        .map(([into, fields, body]) => ({ into, ...fields, headers: [], body })),
    ),
    of('long-header', fc.record({ into: intoGroup, ...plain, headers: long }), 4),
    of(
      'many-headers',
      fc.record({
        into: intoGroup,
        ...plain,
        headers: fc
          .integer({ min: 500, max: 8_000 })
          .map((count): Table => Array.from({ length: count }, (_, index) => [`h${index}`, { type: 'b', hex: '01' }])),
      }),
      4,
    ),
    of(
      'unfit',
      fc.record({
        into: intoGroup,
        headers: fc
          .integer({ min: 60_000, max: 130_000 })
          .map((times): Table => [['full', { text: { repeat: 'a', times } }]]),
        body: fc.constant<Blob>({ text: '{' }),
      }),
      4,
    ),
    of('dead', fc.record({ into: intoDead, ...plain, headers, body: hostileBlob(20_000) })),
    of('dead-nested', fc.record({ into: intoDead, ...plain, headers: nestedTable }), 4),
    of('dead-lying', fc.record({ into: intoDead, ...plain, headers: lyingTable }), 4),
    of(
      'dead-properties',
      fc
        .tuple(properties, hostileBlob(50_000))
        .map(([fields, body]) => ({ into: 'dead' as const, ...fields, headers: [], body })),
    ),
    of(
      'dead-unfit',
      fc.record({
        into: intoDead,
        headers: fc
          .integer({ min: 60_000, max: 130_000 })
          .map((times): Table => [['full', { text: { repeat: 'a', times } }]]),
        body: fc.constant<Blob>({ text: '{' }),
      }),
      4,
    ),
    of(
      'heavy',
      fc.record({
        into: intoGroup,
        headers: fc.constant([] as Table),
        body: fc.integer({ min: 1_000_000, max: 15_000_000 }).map((times): Blob => ({ repeat: '\u0000', times })),
      }),
      10,
    ),
  ]
}

const textsOf = (table: Table, names: readonly string[]): readonly string[] =>
  table.flatMap(([name, value]) => (names.includes(name) && 'text' in value ? [bytesOf(value.text).toString()] : []))
