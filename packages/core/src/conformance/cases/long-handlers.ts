import assert from 'node:assert/strict'
import { maxDurationMs } from '../../adapter.js'
import type { Capabilities } from '../../index.js'
import type { Chapter } from '../kit/case.js'
import { rejection } from '../kit/expect.js'
import type { Kit } from '../kit/kit.js'
import { healMs } from '../kit/load.js'
import { createGate, sleep } from '../kit/wait.js'

/** Returns a time beyond the window after which a message of a dead consumer runs again. */
const beyondWindowMs = ({ redeliveryMs }: Capabilities): number => redeliveryMs * 1.5 + 500

/** The longest wait of a case that is not long. */
const shortMs = 15_000

export const longHandlers: Chapter = {
  name: 'long handlers',
  cases: [
    {
      id: 'LNG-1',
      title: 'a long handler keeps its message to its end, and other messages are handled meanwhile',
      promises: [3, 8, 9],
      level: 'required',
      timeoutMs: 90_000,
      run: (kit) => holdFor(kit, Math.min(beyondWindowMs(kit.capabilities), shortMs)),
    },
    {
      id: 'LNG-2',
      title: 'a handler that outlasts the redelivery window of its broker keeps its message to its end',
      promises: [3, 9],
      level: 'required',
      long: true,
      timeoutMs: 900_000,
      unless: (capabilities) =>
        beyondWindowMs(capabilities) <= shortMs ? 'LNG-1 is long enough for its window' : undefined,
      run: (kit) => holdFor(kit, beyondWindowMs(kit.capabilities)),
    },
    {
      id: 'LNG-3',
      title: "a handler timeout over the broker's limit is refused, and one up to it is accepted",
      promises: [9],
      level: 'capability',
      unless: ({ maxHandlerMs }) => (maxHandlerMs >= maxDurationMs ? 'it has no limit for handlers' : undefined),
      async run(kit) {
        const queue = await kit.queue()
        const { maxHandlerMs } = kit.capabilities
        const subscribe = (timeoutMs: number) => kit.collect(queue, kit.topic(), { timeoutMs })
        await rejection(subscribe(maxHandlerMs + 1), 'MQ_NOT_SUPPORTED')
        const collector = await subscribe(maxHandlerMs)
        await queue.publish(kit.topic(), 1)
        await kit.until('a message', () => collector.handled.length === 1)
      },
    },
  ],
}

/** Holds two messages while others are handled. One of the two then succeeds; the other fails and is retried. */
async function holdFor(kit: Kit, ms: number): Promise<void> {
  const [queue, other] = [await kit.queue(), await kit.queue()]
  const ledger = kit.ledger(kit.topic())
  const othersHandled = createGate()
  const collectors = await Promise.all(
    [queue, other].map((one) =>
      ledger.collect(one, {
        concurrency: 4,
        handler: async ({ id, attempt }) => {
          if (!held.has(id) || attempt > 1) return
          await Promise.all([sleep(ms), othersHandled.opened])
          if (id === 'm-1') throw new Error('broken on purpose, in the end')
        },
      }),
    ),
  )
  const held = new Set(['m-0', 'm-1'])
  const runsOf = (id: string) => collectors.flatMap(({ runs }) => runs.filter((run) => run.id === id))
  const attemptsOf = (id: string): readonly number[] =>
    runsOf(id)
      .map(({ attempt }) => attempt)
      .sort()
  await ledger.publish(queue, { count: 2 })
  await kit.until('both handlers to run', () => runsOf('m-0').length > 0 && runsOf('m-1').length > 0)
  await ledger.publish(queue, { count: 40 })
  await kit.until('the other messages to be handled', () => ledger.handled().size >= 40)
  othersHandled.open()
  await ledger.check({ queue, duplicates: 0, withinMs: ms + healMs })
  assert.deepEqual(attemptsOf('m-0'), [1])
  assert.deepEqual(attemptsOf('m-1'), [1, 2])
  for (const { signal } of [...runsOf('m-0'), ...runsOf('m-1')])
    assert.ok(!signal.aborted, `the signal aborted with ${String(signal.reason)}`)
  // Late acknowledgements count: no consumer gets the messages again.
  await Promise.all([queue.disconnect(), other.disconnect()])
  const later = await kit.collect(await kit.queue(), kit.topic())
  await kit.quiet(() => later.runs.length)
  assert.deepEqual(later.ids, [])
}
