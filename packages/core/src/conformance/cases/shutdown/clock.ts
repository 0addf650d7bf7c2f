import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { setClock } from '../../kit/clock.js'
import { timed } from '../../kit/expect.js'
import { createGate, sleep } from '../../kit/wait.js'

const hourMs = 3_600_000

/** The time by which a call may exceed its timeout. Core gives an adapter up to 5 s more. */
const graceMs = 4_000

export const clockChanges: readonly ConformanceCase[] = [
  {
    id: 'SHD-17',
    title: 'a publish, the timeout of a handler and a stop end in time although the clock is set back by an hour',
    promises: [1, 13],
    level: 'required',
    alone: 'process',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const gate = createGate()
      const handler = () => gate.opened
      const slow = await kit.collect(queue, kit.topic('slow'), { handler, timeoutMs: 2_000, retry: false })
      const stuck = await kit.collect(queue, kit.topic('stuck'), { handler })
      await queue.publish(kit.topic('slow'), 1)
      await queue.publish(kit.topic('stuck'), 1)
      await kit.until('two handlers to run', () => slow.running === 1 && stuck.running === 1)
      const stopping = timed(stuck.subscription.stop({ timeoutMs: 1_000 }))
      // The adapter begins its stop before the clock is set.
      await sleep(100)
      const reset = setClock(-hourMs)
      try {
        const published = await timed(queue.publish(kit.topic('slow'), 2))
        await kit.until('the handler to exceed its timeout', () => slow.runs[0]?.signal.aborted === true)
        const { tookMs } = await stopping
        const later = await timed(queue.disconnect({ timeoutMs: 1_000 }))
        for (const [what, ms] of Object.entries({
          publish: published.tookMs,
          stop: tookMs,
          disconnect: later.tookMs,
        })) {
          assert.ok(ms < 1_000 + graceMs, `${what} took ${Math.round(ms)} ms`)
        }
      } finally {
        reset()
        gate.open()
      }
    },
  },
  {
    id: 'SHD-18',
    title: 'a handler keeps its message, and messages arrive, although the clock is set by an hour and back',
    promises: [3, 10],
    level: 'required',
    alone: 'process',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const gate = createGate()
      const held = await kit.collect(queue, kit.topic('held'), { handler: () => gate.opened })
      const others = await kit.collect(queue, kit.topic('others'))
      await queue.publish(kit.topic('held'), 1)
      await kit.until('a handler to run', () => held.running === 1)
      let expected = 0
      for (const byMs of [hourMs, -hourMs]) {
        const reset = setClock(byMs)
        try {
          // Longer than what adapters look at again and again.
          for (let round = 0; round < 3; round++) {
            await queue.publish(kit.topic('others'), round)
            expected += 1
            await kit.until('a message', () => others.handled.length >= expected)
            await kit.quiet(() => others.runs.length + held.runs.length)
          }
        } finally {
          reset()
        }
      }
      assert.equal(held.runs[0]?.signal.aborted, false, 'the signal of the handler aborted')
      gate.open()
      await kit.until('the held message', () => held.handled.length >= 1)
      await kit.quiet(() => held.runs.length)
      assert.deepEqual(
        held.runs.map(({ attempt }) => attempt),
        [1],
      )
      assert.equal(queue.health().status, 'up')
    },
  },
]
