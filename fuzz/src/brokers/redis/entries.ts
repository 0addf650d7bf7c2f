import * as fc from 'fast-check'
import { type Blob, brokenUtf8, bytesOf, hostileBlob, hostileText } from '../../blob.js'
import { type Attack, type Generator, generator, type Written } from '../../hostile.js'
import type { RawRedis } from './command.js'
import { type KeyName, keysOf } from './keys.js'

/** A field of an entry, name and value. */
type Field = readonly [name: Blob, value: Blob]

interface StreamEntry {
  readonly fields: readonly Field[]
  readonly id?: string
}

const text = (value: string): Blob => ({ text: value })
const knownNames = [
  'data',
  'id',
  'type',
  'source',
  'time',
  'specversion',
  'datacontenttype',
  'partitionkey',
  'mq:attempt',
  'mq:failure',
  'mq:entry',
  'header:a',
  'header:',
  'header:__proto__',
  '__proto__',
  '',
]

const fieldName: fc.Arbitrary<Blob> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...knownNames).map(text) },
  { weight: 1, arbitrary: fc.constantFrom(...brokenUtf8).map((hex) => ({ hex })) },
  { weight: 1, arbitrary: hostileText(300).map(text) },
)

const numberText = fc.constantFrom(
  '0',
  '-1',
  '1e308',
  'NaN',
  'Infinity',
  '9007199254740993',
  '0x10',
  '5',
  ' 3 ',
  '1'.repeat(400),
)

const failureText = fc.constantFrom(
  '{"reason":"error","error":{"name":"E","message":"\u001b[31m\\nforged"},"attempts":1e308,"firstFailedAt":-1e300,"failedAt":8.7e15}',
  '{"reason":"error","error":{"name":"E","message":"\\u001b[31m\\nforged"},"attempts":1,"firstFailedAt":1,"failedAt":1}',
  '{"reason":"__proto__"}',
  '[]',
  '{',
)

const fieldValue = fc.oneof(hostileBlob(200_000), numberText.map(text), failureText.map(text))

const fields = (maxLength: number): fc.Arbitrary<readonly Field[]> =>
  fc.array(fc.tuple(fieldName, fieldValue), { minLength: 1, maxLength })

/** Names that programs may choose; those of the largest numbers leave few for whoever comes after. */
const entryIds = fc.constantFrom('1-1', '8640000000000001-0', '9007199254740993-5', '18446744073709551000-0')

const sizeOf = (list: readonly Field[]): number =>
  list.reduce((sum, [name, value]) => sum + bytesOf(name).length + bytesOf(value).length, 0)

const textOf = (list: readonly Field[], name: string): string | undefined => {
  const found = list.findLast((field) => bytesOf(field[0]).toString() === name)
  return found === undefined ? undefined : bytesOf(found[1]).toString()
}

const laneKey: fc.Arbitrary<Blob> = fc.oneof(
  fc.constantFrom(...brokenUtf8).map((hex) => ({ hex })),
  hostileText(200).map(text),
  fc.constantFrom('key-0', 'key-1').map(text),
)

/** Adds it to a stream. It is known again by its entry's id, or by the one that it gives itself. */
export async function addEntry(
  raw: RawRedis,
  key: string,
  { fields: list, id }: StreamEntry,
  mark: string,
): Promise<Written> {
  const all: readonly Field[] = [...list, [text('header:fuzzmark'), text(mark)]]
  const args = all.flat()
  const given = id === undefined ? '*' : id
  let answer = await raw.send('XADD', [key, given, ...args])
  if (answer instanceof Error && id !== undefined) answer = await raw.send('XADD', [key, '*', ...args])
  const bytes = sizeOf(all)
  if (answer instanceof Error) return { fate: 'refused', names: [mark], bytes }
  const names = [mark, String(answer), textOf(all, 'id'), textOf(all, 'mq:entry')]
  return { fate: 'settled', names: names.filter((name) => name !== undefined), bytes }
}

/**
 * So many at once that there is a backlog, of which no reader can have had a part. The text is made once, because a script that makes it again
 * for each entry keeps the server busy for longer than a publish may take.
 */
const addAtOnce = `local large = string.rep('a', ARGV[2])
for _ = 1, ARGV[1] do
  redis.call('XADD', KEYS[1], '*', 'header:large', large, 'header:fuzzmark', ARGV[3], 'data', '1')
end`

/** Entries of the topic's stream, and of those of the group's own. */
export function entryGenerators(raw: RawRedis): readonly Generator[] {
  const into =
    (stream: KeyName, fate: Written['fate'] = 'settled') =>
    async (entry: StreamEntry, { arena, mark }: Attack): Promise<Written> => {
      const written = await addEntry(raw, keysOf(arena)[stream], entry, mark)
      return written.fate === 'refused' ? written : { ...written, fate }
    }
  const entry = fc.record({ fields: fields(12) })
  const list = <T>(one: fc.Arbitrary<T>, maxLength = 12) => fc.array(one, { minLength: 1, maxLength })

  return [
    generator({ name: 'redis/fields', entries: list(entry), write: into('stream') }),
    generator({
      name: 'redis/entry-ids',
      entries: list(fc.record({ fields: fields(4), id: entryIds }), 4),
      write: into('stream'),
    }),
    generator({ name: 'redis/retry', entries: list(entry), write: into('retry') }),
    generator({ name: 'redis/dead', entries: list(fc.record({ fields: fields(12) })), write: into('dead', 'listed') }),
    generator({
      name: 'redis/dead-ids',
      entries: list(fc.record({ fields: fields(4), id: entryIds }), 3),
      write: into('dead', 'listed'),
    }),
    generator({
      name: 'redis/many-fields',
      entries: list(
        fc.record({ count: fc.integer({ min: 1_000, max: 40_000 }), named: fc.boolean(), data: fc.boolean() }),
        4,
      ),
      write: async ({ count, named, data }, attack) => {
        const many = Array.from(
          { length: count },
          (_, index): Field => [text(named ? `header:h${index}` : `e${index}`), text('v')],
        )
        return await into('stream')({ fields: data ? [...many, [text('data'), text('1')]] : many }, attack)
      },
    }),
    generator({
      name: 'redis/large-headers',
      entries: list(
        fc.record({ count: fc.integer({ min: 1, max: 80 }), megabytes: fc.integer({ min: 1, max: 5 }) }),
        1,
      ),
      arena: { concurrency: 32 },
      // The README: large messages are asked for a few at a time.
      spareBytes: 250 * 1024 * 1024,
      async write({ count, megabytes }, { arena, mark }) {
        await raw.send('EVAL', [addAtOnce, 1, keysOf(arena).stream, count, megabytes * 1_000_000, mark])
        return { fate: 'settled', names: [mark], bytes: megabytes * 1_000_000 }
      },
    }),
    generator({
      name: 'redis/large-without-data',
      entries: list(
        fc.record({ megabytes: fc.integer({ min: 1, max: 100 }), piece: fc.constantFrom('\u0000', 'a', 'ü') }),
        2,
      ),
      write: ({ megabytes, piece }, attack) =>
        into('stream')(
          {
            fields: [
              [text('other'), { repeat: piece, times: Math.floor((megabytes * 1_000_000) / Buffer.byteLength(piece)) }],
            ],
          },
          attack,
        ),
    }),
    generator({
      name: 'redis/large-dead',
      entries: list(
        fc.record({ megabytes: fc.integer({ min: 1, max: 100 }), piece: fc.constantFrom('\u0000', 'a', 'ü') }),
        2,
      ),
      write: ({ megabytes, piece }, attack) =>
        into('dead', 'listed')(
          {
            fields: [
              [text('other'), { repeat: piece, times: Math.floor((megabytes * 1_000_000) / Buffer.byteLength(piece)) }],
            ],
          },
          attack,
        ),
    }),
    generator({
      name: 'redis/lanes',
      // Many of one key: what frees a lane only now and then is too slow for them.
      entries: fc
        .record({
          keys: fc.array(laneKey, { minLength: 1, maxLength: 3 }),
          count: fc.integer({ min: 1, max: 60 }),
        })
        .map(({ keys, count }) => {
          const named = keys.map((key): Field => [text('partitionkey'), key])
          return Array.from({ length: count }, () => ({ fields: [...named, [text('data'), text('1')] as const] }))
        }),
      arena: { ordered: true },
      write: into('stream'),
    }),
  ]
}
