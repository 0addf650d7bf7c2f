import assert from 'node:assert/strict'
import { isMqError } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { assertWithout, printed, range, timed } from '../../kit/expect.js'

/** The part of a URL that holds a password. */
const credentials = /\/\/[^\s/'"`@]*:[^\s/'"`@]+@/

/** Tests what errors, events and logs reveal. */
export const secrets: readonly ConformanceCase[] = [
  {
    id: 'SEC-4',
    title:
      'during and after a lost connection, no password appears in an error, an event, a log or an inspected object',
    promises: [10, 11],
    level: 'required',
    needs: ['cut', 'refuse', 'heal'],
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const seen: unknown[] = []
      const quiet = await kit.queue({ publishTimeoutMs: 1_000, operationTimeoutMs: 8_000 })
      for (const name of ['state', 'error', 'data-loss', 'blocked'] as const) {
        quiet.on(name, (event) => void seen.push(event))
      }
      // Events without a listener are logged.
      const logging = await kit.queue()
      const adapter = await kit.connected()
      adapter.on((event) => void seen.push(event))
      const queues = [quiet, logging]
      for (const queue of queues) await kit.collect(queue, kit.topic())
      await kit.faults.refuse()
      await kit.faults.cut()
      const publishes = await Promise.all(range(5).map((number) => timed(quiet.publish(kit.topic(), number))))
      seen.push(...publishes.map(({ error }) => error))
      seen.push((await timed(quiet.declareGroup(kit.topic(), 'another'))).error)
      assert.ok(
        publishes.some(({ error }) => isMqError(error)) || seen.length > 6,
        'neither a publish nor an event reported the cut',
      )
      seen.push(...queues.map((queue) => queue.health()), adapter.health())
      await kit.faults.heal()
      const isUp = (): boolean => queues.every((queue) => queue.health().status === 'up')
      await kit.until('the connections to heal', isUp, { timeoutMs: 30_000 })
      seen.push(...queues, ...queues.map((queue) => queue.health()), adapter, adapter.health(), kit.logged)
      for (const secret of kit.secrets) assertWithout(secret, ...seen)
      for (const value of seen) assert.doesNotMatch(printed(value), credentials)
    },
  },
]
