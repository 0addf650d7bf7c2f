import * as fc from 'fast-check'
import { type Blob, bytesOf, hostileBlob, hostileText, oddText } from '../blob.js'
import { type Attack, type Generator, generator, type Written } from '../hostile.js'

/** A message as another program may write it, on whichever broker. */
export interface Foreign {
  /** CloudEvents attributes by their names in the specification. */
  readonly attributes: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body: Blob
}

/** Writes it to a topic in the broker's own form; resolves with the names that it gets there. */
export type WriteForeign = (topic: string, foreign: Foreign, attack: Attack) => Promise<Written>

const markHeader = 'fuzzmark'
const marked = (foreign: Foreign, { mark }: Attack): Foreign => ({
  ...foreign,
  headers: { ...foreign.headers, [markHeader]: mark },
})

const contentTypes: readonly string[] = [
  'application/json',
  'application/json; charset=utf-16',
  'application/json; charset="\u0000"',
  'text/plain; charset=ebcdic',
  'text/plain',
  'text/html;charset=us-ascii',
  'application/octet-stream',
  'application/vnd.x+json',
  'application/xml',
  'json',
  '',
  ' application/json',
  'application/json\r\nx: y',
  `application/${'x'.repeat(300)}`,
]

const contentType = fc.oneof(fc.constantFrom(...contentTypes), hostileText(300))

const attributeNames = [
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'datacontenttype',
  'partitionkey',
  'traceparent',
  'causationid',
  'correlationid',
  'taskreplyto',
  'taskdeadline',
  'dataschema',
  'subject',
  'UPPER',
  'with space',
  'x'.repeat(80),
] as const

const times: readonly string[] = [
  '+275760-09-13T00:00:00.000Z',
  '-000001-01-01T00:00:00Z',
  '9999-12-31T23:59:60Z',
  '2026-02-30',
  'now',
  '1e400',
  '0',
  '2026-01-02T03:04:05.678+99:99',
]

const attributeValue = fc.oneof(
  hostileText(1_500),
  fc.constantFrom(...times),
  fc.constantFrom('1.0', '1.9', '2.0', '0.3', '1.0\n', '1'.repeat(99)),
)

const attributes = fc
  .array(fc.tuple(fc.constantFrom(...attributeNames), attributeValue), { maxLength: 8 })
  .map((pairs) => Object.fromEntries(pairs))

const headers = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom(...oddText.filter((text) => text !== '')), fc.string({ maxLength: 20, minLength: 1 })),
      hostileText(4_000),
    ),
    {
      maxLength: 5,
    },
  )
  .map((pairs): Record<string, string> => Object.fromEntries(pairs.filter(([name]) => name !== '__proto__')))

/** JSON that is none, that means something else elsewhere, or that is deeper than a stack. */
const oddJson: fc.Arbitrary<Blob> = fc.oneof(
  fc
    .constantFrom(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
      '{"a":1,"a":2}',
      '"\\ud800"',
      '\ufeff{"a":1}',
      'NaN',
      '-Infinity',
      '1e999',
      '123456789012345678901234567890',
      '[1,]',
      "{'a':1}",
      '{"a":1}\u0000',
      '"\u001b[31m\nforged"',
      '/**/1',
      'undefined',
      '',
      ' ',
      '\u001b]0;title\u0007',
    )
    .map((text) => ({ text })),
  fc.record({
    open: fc.constantFrom('[', '{"a":', '[{"b":['),
    close: fc.constantFrom('', ']', '}'),
    depth: fc.constantFrom(63, 64, 65, 1_000, 100_000),
  }),
  fc.json({ maxDepth: 4 }).map((text) => ({ text })),
)

/** What any broker can hold, written by its own driver. */
export function foreignGenerators(broker: string, write: WriteForeign): readonly Generator[] {
  const toTopic = (foreign: Foreign, attack: Attack): Promise<Written> =>
    write(attack.arena.topic, marked(foreign, attack), attack)
  const list = (entry: fc.Arbitrary<Foreign>, maxLength = 12) => fc.array(entry, { minLength: 1, maxLength })
  const nothing = fc.constant({})

  return [
    generator({
      name: `${broker}/bodies`,
      entries: list(
        fc.record({
          attributes: contentType.map((datacontenttype) => ({ datacontenttype })),
          headers: nothing,
          body: hostileBlob(),
        }),
      ),
      write: toTopic,
    }),
    generator({
      name: `${broker}/json`,
      entries: list(fc.record({ attributes: nothing, headers: nothing, body: oddJson })),
      write: toTopic,
    }),
    generator({
      name: `${broker}/attributes`,
      entries: list(fc.record({ attributes, headers, body: oddJson })),
      write: toTopic,
    }),
    generator({
      name: `${broker}/ids`,
      entries: list(
        fc.record({
          attributes: fc
            .record({
              length: fc.integer({ min: 1, max: 8_000 }),
              piece: fc.constantFrom('x', '\u001b[31m', '\nforged ', 'ü'),
            })
            .map(({ length, piece }) => ({ id: piece.repeat(Math.ceil(length / piece.length)) })),
          headers: nothing,
          body: fc.constantFrom({ text: '1' }, { text: '{' }),
        }),
      ),
      write: toTopic,
    }),
    generator({
      name: `${broker}/structured`,
      entries: fc.array(fc.record({ mode: fc.constantFrom('one', 'batch', 'broken'), charset: fc.boolean() }), {
        minLength: 1,
        maxLength: 6,
      }),
      async write({ mode, charset }, attack) {
        const id = `structured-${attack.mark}`
        const event = {
          specversion: '1.0',
          id,
          source: '/fuzz',
          type: 'structured',
          datacontenttype: 'application/json',
          data: { a: 1 },
        }
        const kind = mode === 'batch' ? 'cloudevents-batch+json' : 'cloudevents+json'
        const body =
          mode === 'broken'
            ? { text: '{"specversion":"1.0"' }
            : { text: JSON.stringify(mode === 'batch' ? [event] : event) }
        const datacontenttype = `application/${kind}${charset ? '; charset=UTF-8' : ''}`
        const foreign = { attributes: { datacontenttype }, headers: {}, body }
        if (mode !== 'one') return await toTopic(foreign, attack)
        const written = await write(attack.arena.topic, foreign, attack)
        return { ...written, names: [id], ...(written.fate === 'settled' && { fate: 'handled', exact: true }) }
      },
    }),
    generator({
      name: `${broker}/large`,
      entries: fc.array(fc.record({ bytes: fc.integer({ min: 900_000, max: 6_000_000 }), text: fc.boolean() }), {
        minLength: 1,
        maxLength: 6,
      }),
      write: ({ bytes, text }, attack) =>
        toTopic(
          {
            attributes: { datacontenttype: text ? 'text/plain' : 'application/octet-stream' },
            headers: {},
            body: { repeat: text ? '\u0000' : 'a', times: bytes },
          },
          attack,
        ),
    }),
  ]
}

export const bytesOfForeign = ({ body, headers: fields }: Foreign): number =>
  bytesOf(body).length + Object.entries(fields).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
