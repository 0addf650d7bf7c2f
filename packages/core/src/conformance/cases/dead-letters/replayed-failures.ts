import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { consumeRaw, done, failureOf, publishCall, rawMessage } from '../../kit/raw.js'

/** Tests what a replayed message keeps of the time before. */
export const replayedFailures: readonly ConformanceCase[] = [
  {
    id: 'DLQ-29',
    title:
      'the first run of a replayed message learns where the run before its replay is in a trace, and nothing of an untraced one',
    promises: [6],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [adapter, queue] = [await kit.connected(), await kit.queue()]
      const ref = { topic: kit.topic(), group: 'g' }
      const traces = ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', undefined]
      let runs = 0
      const deliveries = await consumeRaw(adapter, ref, (delivery) => {
        if (runs >= traces.length) return done
        const traceparent = traces[runs++]
        return { kind: 'dead', failure: { ...failureOf(delivery), ...(traceparent !== undefined && { traceparent }) } }
      })
      await adapter.publish(ref.topic, [rawMessage()], publishCall())
      for (const replay of [1, 2]) {
        await untilDead(kit, queue, { topic: ref.topic, count: 1 })
        assert.deepEqual(await queue.deadLetters(ref.topic, ref.group).replay(), { replayed: 1 })
        await kit.until(`replay ${replay} to run`, () => deliveries.length > replay)
      }
      await kit.quiet(() => deliveries.length)
      const known = deliveries.map(({ attempt, failure }) => [attempt, failure?.traceparent, failure?.attempts])
      assert.deepEqual(known, [
        [1, undefined, undefined],
        // Runs before a replay no longer count.
        [1, traces[0], 0],
        [1, undefined, undefined],
      ])
    },
  },
]
