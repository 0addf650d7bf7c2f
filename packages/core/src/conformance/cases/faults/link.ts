import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range, timed } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import {
  doubtPerFault,
  healMs,
  publishAgain,
  publishBefore,
  publishSteadily,
  slower,
  untilWell,
} from '../../kit/load.js'
import { aborted, createGate, sleep } from '../../kit/wait.js'

export const linkFaults: readonly ConformanceCase[] = [
  {
    id: 'FLT-4',
    title: 'a consumer that loses its connection with all slots busy gets every slot back, and no message is lost',
    promises: [3, 4, 8, 10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const [publisher, consumer] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      let gate = createGate()
      const collector = await ledger.collect(consumer, {
        concurrency: 4,
        handler: async ({ data }, { signal }) => {
          // Every second handler ends when its signal aborts; the others ignore it.
          const obeys = (data as { index: number }).index % 2 === 0
          await (obeys ? Promise.race([gate.opened, aborted(signal)]) : gate.opened)
          if (obeys && signal.aborted) throw signal.reason
        },
      })
      await ledger.publish(publisher, { count: 12 })
      await kit.until('all slots to be busy', () => collector.running === 4)
      await kit.faults.cut()
      await publishAgain(kit, ledger, publisher, 4)
      await untilWell(kit, consumer)
      gate.open()
      await ledger.check({ queue: consumer, duplicates: 4, withinMs: kit.redeliveryMs + healMs })
      gate = createGate()
      await ledger.publish(publisher, { count: 8 })
      await kit.until(
        () => `all slots to be busy again; ${collector.running} are`,
        () => collector.running === 4,
      )
      gate.open()
      await ledger.check({ queue: consumer, duplicates: 4 })
      // Two handlers that lost their message and ignored the signal may have run beside four others.
      assert.ok(collector.peak <= 6, `${collector.peak} handlers ran at once, not 6 at most`)
      assert.deepEqual(await consumer.deadLetters(kit.topic(), 'g').list(), [])
    },
  },
  {
    id: 'FLT-5',
    title:
      'publishing and consuming resume after each of three cuts, and acknowledged publishes are handled exactly once',
    promises: [1, 2, 10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const [publisher, consumer] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      const collector = await ledger.collect(consumer)
      const before = await publishBefore(kit, ledger, publisher)
      for (const _ of range(3)) {
        await kit.faults.cut()
        await ledger.publish(publisher, { count: 10 })
        await publishAgain(kit, ledger, publisher, 10)
        await ledger.check({ queue: consumer, duplicates: 0, withinMs: healMs })
      }
      before.check()
      assert.deepEqual(
        collector.runs.filter(({ attempt }) => attempt !== 1).map(({ id }) => id),
        [],
        'ids of repeated runs',
      )
    },
  },
  {
    id: 'FLT-6',
    title:
      'under load, publishes settle while the broker is unreachable; then everything resumes and no message is lost',
    promises: [1, 2, 10],
    level: 'required',
    needs: ['cut', 'refuse', 'heal'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const [publisher, consumer] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      await ledger.collect(consumer, slower(kit))
      const before = await publishBefore(kit, ledger, publisher)
      const load = publishSteadily(ledger, publisher, { timeoutMs: 1_000 })
      await kit.until('some load', () => ledger.published.size >= 120)
      await kit.faults.refuse()
      await kit.faults.cut()
      const failed = (): number => ledger.rejected.size + ledger.unknown.size
      await kit.until('publishes to fail', () => failed() >= 8)
      const { tookMs } = await timed(load.stop())
      assert.ok(tookMs < 4_000, `publishes with a timeout of 1,000 ms took ${Math.round(tookMs)} ms more to settle`)
      await kit.faults.heal()
      await publishAgain(kit, ledger, publisher, 20)
      await ledger.check({ queue: consumer, duplicates: doubtPerFault, withinMs: kit.redeliveryMs + healMs })
      before.check()
    },
  },
  {
    id: 'FLT-7',
    title: 'a link that is cut several times a second for 5 s loses no message and leaves no connection open',
    promises: [1, 2, 10],
    level: 'required',
    needs: ['cut', 'connections'],
    alone: true,
    timeoutMs: 120_000,
    run: (kit) => flap(kit, 5_000),
  },
  {
    id: 'FLT-8',
    title: 'a link that is cut several times a second for a minute loses no message and leaves no connection open',
    promises: [1, 2, 10],
    level: 'required',
    needs: ['cut', 'connections'],
    alone: true,
    long: true,
    timeoutMs: 300_000,
    run: (kit) => flap(kit, 60_000),
  },
  {
    id: 'FLT-9',
    title: 'a slow link is not treated as dead: messages pass once, intact and without a new connection',
    promises: [10, 14],
    level: 'required',
    needs: ['slow', 'heal'],
    alone: true,
    timeoutMs: 120_000,
    run: (kit) => crawl(kit, { bytesPerSecond: 30_000, bodies: 3, bytes: 25_000 }),
  },
  {
    id: 'FLT-10',
    title:
      'a link that is slow for a minute is not treated as dead: messages pass once, intact and without a new connection',
    promises: [10, 14],
    level: 'required',
    needs: ['slow', 'heal'],
    alone: true,
    long: true,
    timeoutMs: 300_000,
    run: (kit) => crawl(kit, { bytesPerSecond: 20_000, bodies: 60, bytes: 20_000 }),
  },
]

async function flap(kit: Kit, forMs: number): Promise<void> {
  const [publisher, consumer] = [await kit.queue(), await kit.queue()]
  const ledger = kit.ledger(kit.topic())
  await ledger.collect(consumer, slower(kit))
  const before = await publishBefore(kit, ledger, publisher)
  const connections = await kit.faults.connections()
  const load = publishSteadily(ledger, publisher, { pauseMs: 25 })
  const endsAt = performance.now() + forMs
  let cuts = 0
  for (; performance.now() < endsAt; cuts++) {
    await sleep(100 + kit.random() * 200)
    await kit.faults.cut()
  }
  await load.stop()
  await untilWell(kit, consumer)
  await publishAgain(kit, ledger, publisher, 20)
  // At each cut four messages were being handled and four published; acknowledgements may wait for others.
  await ledger.check({ queue: consumer, duplicates: cuts * 14, withinMs: kit.redeliveryMs + healMs })
  before.check()
  let now = 0
  const what = () => `the connections to be at most ${connections} again; there are ${now}`
  const isBack = async (): Promise<boolean> => {
    now = await kit.faults.connections()
    return now <= connections
  }
  await kit.until(what, isBack, { timeoutMs: healMs })
}

interface Crawl {
  readonly bytesPerSecond: number
  readonly bodies: number
  readonly bytes: number
}

/**
 * Takes about a second for each message. If an answer takes longer than the adapter's own timeout for it, the adapter cannot
 * tell a slow link from a dead one.
 */
async function crawl(kit: Kit, { bytesPerSecond, bodies: count, bytes }: Crawl): Promise<void> {
  const [publisher, consumer] = [await kit.queue(), await kit.queue()]
  const ledger = kit.ledger(kit.topic())
  const bodies = range(count).map(() => Uint8Array.from(range(bytes), () => Math.floor(kit.random() * 256)))
  let whole = 0
  await ledger.collect(consumer, {
    handler: ({ data }) => {
      if (data instanceof Uint8Array && bodies.some((body) => Buffer.compare(body, data) === 0)) whole += 1
    },
  })
  let lost = 0
  for (const queue of [publisher, consumer]) {
    queue.on('state', ({ state }) => {
      if (state === 'reconnecting') lost += 1
    })
  }
  const takesMs = ((count * bytes) / bytesPerSecond) * 1_000
  await kit.faults.slow(bytesPerSecond)
  await ledger.publish(publisher, { count, parallel: 1, data: (index) => bodies[index], timeoutMs: takesMs + healMs })
  assert.equal(ledger.published.size, count, 'publishes that were stored in time')
  await ledger.check({ queue: consumer, duplicates: 0, withinMs: takesMs + healMs })
  assert.equal(whole, count, 'bodies that arrived intact')
  assert.equal(lost, 0, 'connections that were lost on a slow link')
}
