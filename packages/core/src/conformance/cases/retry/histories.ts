import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { holdRuns } from '../../kit/held-consumer.js'
import { healMs } from '../../kit/load.js'
import { consumeRaw, done, failureOf, publishCall, rawMessage } from '../../kit/raw.js'
import { attemptsOf, patience, withoutDelays } from '../../kit/timing.js'

/** Tests what later runs know of the earlier ones. */
export const retryHistories: readonly ConformanceCase[] = [
  {
    id: 'RET-18',
    title: 'a crash still counts after an ordinary failure: together they use up the attempts',
    promises: [5, 6],
    level: 'capability',
    unless: ({ countsCrashes }) => (countsCrashes ? undefined : 'it does not count crashes'),
    needs: ['worker'],
    timeoutMs: ({ redeliveryMs }) => 120_000 + 2 * redeliveryMs,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'g')
      await queue.publish(topic, 1, { id: 'm' })
      const worker = await kit.worker({ topic, handler: 'hang' })
      const isRun = (): boolean => worker.events.some(({ type }) => type === 'started')
      await kit.until('the process to run the message', isRun, { timeoutMs: healMs })
      await worker.kill()
      const collector = await kit.collect(queue, topic, {
        retry: { attempts: 3 },
        handler: () => {
          throw new Error('broken on purpose')
        },
      })
      const timeoutMs = kit.redeliveryMs + patience(kit, 100).timeoutMs
      const [dead] = await untilDead(kit, queue, { topic, count: 1, timeoutMs })
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(attemptsOf(collector.runs), [2, 3])
      assert.deepEqual(dead?.failure.attempts, 3)
    },
  },
  {
    id: 'RET-19',
    title:
      'a message whose consumer leaves between two attempts keeps its attempt, its failure and the time of the first one',
    promises: [5, 6],
    level: 'required',
    unless: withoutDelays,
    timeoutMs: 60_000,
    async run(kit) {
      const [first, topic] = [await kit.queue(), kit.topic()]
      const failing = await kit.collect(first, topic, {
        // Longer than some brokers hold a message back in one place.
        retry: { delayMs: 2_500 },
        handler: () => {
          throw new RangeError('the first failure')
        },
      })
      const before = Date.now()
      await first.publish(topic, 1, { id: 'm' })
      await kit.until('the first run to fail', () => failing.runs[0]?.endedAt !== undefined)
      await first.disconnect()
      const after = Date.now()

      const adapter = await kit.connected()
      const consumer = await holdRuns(adapter, { topic, group: 'g' })
      await kit.until('the second run', () => consumer.runs.length > 0, patience(kit, 2_500))
      const { attempt, failure } = consumer.runs[0]?.delivery ?? {}
      const { firstFailedAt = Number.NaN, error, attempts } = failure ?? {}
      assert.deepEqual(
        { attempt, attempts, name: error?.name, message: error?.message },
        { attempt: 2, attempts: 1, name: 'RangeError', message: 'the first failure' },
      )
      const when = `first failed at ${firstFailedAt}, not from ${before} to ${after}`
      assert.ok(firstFailedAt >= before && firstFailedAt <= after, when)
      consumer.runs[0]?.settle(done)
    },
  },
  {
    id: 'RET-21',
    title:
      'each attempt and the dead letter learn where the run before them is in a trace, and nothing of an untraced run',
    promises: [5, 6],
    level: 'required',
    async run(kit) {
      const [adapter, queue] = [await kit.connected(), await kit.queue()]
      const ref = { topic: kit.topic(), group: 'g' }
      const traces = ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', undefined, lastTrace]
      const deliveries = await consumeRaw(adapter, ref, (delivery) => {
        const traceparent = traces[delivery.attempt - 1]
        const failure = { ...failureOf(delivery), ...(traceparent !== undefined && { traceparent }) }
        return delivery.attempt < traces.length ? { kind: 'retry', delayMs: 20, failure } : { kind: 'dead', failure }
      })
      await adapter.publish(ref.topic, [rawMessage()], publishCall())
      const [dead] = await untilDead(kit, queue, { topic: ref.topic, count: 1, ...patience(kit, 40, 2) })
      assert.deepEqual(
        [...deliveries, dead].map((one) => one?.failure?.traceparent),
        [undefined, ...traces],
      )
    },
  },
]

const lastTrace = '00-0af7651916cd43dd8448eb211c80319c-53995c3f42cd8ad8-00'
