import assert from 'node:assert/strict'
import type { Queue } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import type { Collector } from '../../kit/collector.js'
import { range } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'

/** Tests bodies of every kind. */
export const payloadBodies: readonly ConformanceCase[] = [
  {
    id: 'PAY-1',
    title: 'bytes of every value arrive as bytes, alone and combined, and so does an empty body',
    promises: [14],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic(), { concurrency: 50 })
      const bodies = [
        Uint8Array.from(range(256)),
        Uint8Array.from(range(256)).reverse(),
        new Uint8Array(0),
        new Uint8Array(1_000),
        // These are the magic numbers of gzip and zstd, a byte order mark, and invalid UTF-8.
        Uint8Array.from([0x1f, 0x8b, 0x08, 0x00]),
        Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd]),
        Uint8Array.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
        Uint8Array.from([0xc3, 0x28, 0xed, 0xa0, 0x80]),
        ...range(256).map((value) => Uint8Array.of(value)),
      ]
      await publishEach(kit, { queue, bodies, collector })
      const hex = (value: unknown): string => Buffer.from(value as Uint8Array).toString('hex')
      for (const [index, body] of bodies.entries()) {
        const data = dataOf(collector, index)
        assert.ok(data instanceof Uint8Array, `body ${index} arrived as ${typeof data}, not as bytes`)
        assert.equal(hex(data), hex(body))
      }
    },
  },
  {
    id: 'PAY-2',
    title: 'JSON arrives unchanged, with any characters in texts and names, and even if it is null or empty',
    promises: [14],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic())
      const bodies: readonly unknown[] = [
        null,
        false,
        0,
        -0.1,
        Number.MAX_SAFE_INTEGER,
        1e-300,
        '',
        [],
        {},
        [[], {}, [null]],
        'emoji 👩‍👩‍👧‍👦, line separators \u2028 \u2029, NUL \u0000, escape \u001b, BOM \ufeff, \r\n\t"\\',
        'z\u0335a\u0300\u0301lgo, \u202eright to left\u202c, 漢字, Ελληνικά, العربية',
        { '': 'no name', 'with space': 1, ключ: 2, '\u0000': 3, '0': 4, toString: 5, hasOwnProperty: 6 },
        { text: '{"looks":"like JSON"}', number: '007', date: '2024-02-29T23:59:59.999Z' },
      ]
      await publishEach(kit, { queue, bodies, collector })
      for (const [index, body] of bodies.entries()) assert.deepEqual(dataOf(collector, index), body)
    },
  },
  {
    id: 'PAY-3',
    title: 'bodies that differ in one byte stay different, at any position of that byte',
    promises: [14],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic(), { concurrency: 50 })
      const size = 20_000
      const places = [0, 1, 63, 1_023, 4_095, 4_096, 8_191, 16_384, size - 2, size - 1]
      const bodies = places.flatMap((place) =>
        ['b', 'c'].map((sign) => `${'a'.repeat(place)}${sign}${'a'.repeat(size - place - 1)}`),
      )
      await publishEach(kit, { queue, bodies, collector })
      for (const [index, body] of bodies.entries()) {
        assert.ok(dataOf(collector, index) === body, `body ${index} arrived changed`)
      }
    },
  },
]

/** Publishes the bodies with their numbers as ids. Resolves once each was handled once. */
async function publishEach(
  kit: Kit,
  {
    queue,
    bodies,
    collector,
  }: { readonly queue: Queue; readonly bodies: readonly unknown[]; readonly collector: Collector },
): Promise<void> {
  await Promise.all(bodies.map((body, index) => queue.publish(kit.topic(), body, { id: String(index) })))
  await kit.until(
    () => `${bodies.length} messages; ${collector.handled.length} came`,
    () => collector.handled.length >= bodies.length,
    { timeoutMs: 20_000 },
  )
  await kit.quiet(() => collector.runs.length)
  assert.equal(collector.runs.length, bodies.length, 'runs')
}

const dataOf = (collector: Collector, index: number): unknown =>
  collector.runs.find(({ id }) => id === String(index))?.data
