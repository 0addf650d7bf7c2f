import assert from 'node:assert/strict'
import type { QueueHealth, QueueState } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { assertWithout, rejection } from '../../kit/expect.js'
import { consumeOptions, done } from '../../kit/raw.js'
import { createGate } from '../../kit/wait.js'

export const healthStatus: readonly ConformanceCase[] = [
  {
    id: 'HEA-1',
    title: 'a connected queue is up, and health lists each subscription as consuming, then as stopping, then no longer',
    promises: [10],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const states: QueueState[] = []
      queue.on('state', ({ state }) => states.push(state))
      const before = queue.health()
      assert.deepEqual(summaryOf(before), { status: 'up', state: 'connected', consumers: [] })
      const gate = createGate()
      const first = await kit.collect(queue, kit.topic(), { handler: () => gate.opened })
      await kit.collect(queue, kit.topic(), { group: 'h' })
      const listed = () =>
        queue
          .health()
          .consumers.map(({ topic, group, status }) => `${topic === kit.topic()} ${group} ${status}`)
          .sort()
      assert.deepEqual(listed(), ['true g consuming', 'true h consuming'])
      await queue.publish(kit.topic(), 1)
      await kit.until('the handler to run', () => first.running === 1)
      const stopping = first.subscription.stop()
      assert.deepEqual(listed(), ['true g stopping', 'true h consuming'])
      assert.equal(queue.health().status, 'up')
      gate.open()
      await stopping
      assert.deepEqual(listed(), ['true h consuming'])
      await queue.disconnect()
      const after = queue.health()
      assert.deepEqual(summaryOf(after), { status: 'down', state: 'disconnected', consumers: [] })
      assert.deepEqual(states, ['disconnecting', 'disconnected'])
    },
  },
  {
    id: 'HEA-2',
    title: 'the adapter itself is down before connect and after disconnect, and up in between',
    promises: [10],
    level: 'required',
    async run(kit) {
      const adapter = kit.adapter()
      const reported = () => {
        const { status, consumers } = adapter.health()
        return [status, ...consumers.map((one) => `${one.topic === kit.topic()} ${one.group} ${one.status}`)]
      }
      assert.deepEqual(reported(), ['down'])
      await adapter.connect()
      assert.deepEqual(reported(), ['up'])
      const ref = { topic: kit.topic(), group: 'g' }
      await adapter.declareGroup(ref, { startFrom: 'latest' })
      const consumer = await adapter.consume(ref, consumeOptions, async () => done)
      assert.deepEqual(reported(), ['up', 'true g consuming'])
      await consumer.stop({ timeoutMs: 5_000 })
      assert.deepEqual(reported(), ['up'])
      await adapter.disconnect({ timeoutMs: 5_000 })
      assert.deepEqual(reported(), ['down'])
    },
  },
  {
    id: 'HEA-3',
    title: 'health reports a failed connect as it is, without the password',
    promises: [10, 11],
    level: 'required',
    needs: ['unreachable'],
    async run(kit) {
      const { options, secret } = kit.faults.unreachable()
      const queue = kit.unconnected({ adapter: options })
      const events: unknown[] = []
      const states: QueueState[] = []
      for (const name of ['state', 'error', 'data-loss', 'blocked'] as const) {
        queue.on(name, (event) => events.push(event))
      }
      queue.on('state', ({ state }) => states.push(state))
      await rejection(queue.connect(), 'MQ_CONNECT_FAILED', 'MQ_CONNECT_TIMEOUT')
      assert.deepEqual(states, ['connecting', 'idle'])
      const { status, state } = queue.health()
      assert.deepEqual({ status, state }, { status: 'down', state: 'idle' })
      if (secret !== undefined) assertWithout(secret, queue.health(), events, kit.logged)
    },
  },
]

/** Leaves out the last error. */
const summaryOf = ({ status, state, consumers }: QueueHealth) => ({ status, state, consumers })
