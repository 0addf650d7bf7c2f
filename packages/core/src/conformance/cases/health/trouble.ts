import assert from 'node:assert/strict'
import type { AdapterEvent } from '../../../adapter.js'
import { isMqError, type Queue, type QueueEvents, type QueueHealth } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range, timed } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import { healMs, publishAgain, untilWell } from '../../kit/load.js'
import { createGate } from '../../kit/wait.js'

/** The time in which a reset connection that cannot be replaced has to be reported as lost. */
const noticeMs = 10_000

export const healthTrouble: readonly ConformanceCase[] = [
  {
    id: 'HEA-4',
    title: 'the state event reports a cut, and health agrees with it at every moment',
    promises: [10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 90_000,
    async run(kit) {
      const { queue, watch, ledger } = await watched(kit)
      let removedHeard = 0
      const remove = queue.on('state', () => {
        removedHeard += 1
      })
      remove()
      await kit.faults.cut()
      await kit.until('the cut to be detected', () => watch.states.length > 0, { timeoutMs: noticeMs })
      await untilWell(kit, queue)
      await publishAgain(kit, ledger, queue, 10)
      await ledger.check({ queue, duplicates: 11, withinMs: healMs })
      watch.check()
      const [first] = watch.states
      const { previous, state } = first ?? {}
      assert.deepEqual({ previous, state }, { previous: 'connected', state: 'reconnecting' })
      assert.equal(watch.states.at(-1)?.state, 'connected')
      assert.equal(removedHeard, 0, 'events that a removed listener got')
      assert.ok(isMqError(queue.health().lastError), `lastError is ${String(queue.health().lastError)}`)
    },
  },
  {
    id: 'HEA-5',
    title:
      'while the broker is unreachable, health is down and no consumer consumes; then everything recovers by itself',
    promises: [10],
    level: 'required',
    needs: ['cut', 'refuse', 'heal'],
    alone: true,
    timeoutMs: 90_000,
    async run(kit) {
      const { queue, watch, ledger } = await watched(kit)
      await kit.faults.refuse()
      await kit.faults.cut()
      await kit.until('health to be down', () => queue.health().status === 'down', { timeoutMs: noticeMs })
      // Health has to stay down during the failing attempts to reconnect.
      let reachable = 0
      for (const _ of range(4)) {
        await kit.quiet(() => {
          const { status, consumers } = queue.health()
          if (status !== 'down' || consumers.some((one) => one.status !== 'recovering')) reachable += 1
          return 0
        })
      }
      assert.equal(reachable, 0, 'times that health was not down, or a consumer was not recovering')
      assert.equal(queue.health().state, 'reconnecting')
      assert.equal(queue.health().consumers.length, 1, 'consumers in health')
      await kit.faults.heal()
      await untilWell(kit, queue)
      await publishAgain(kit, ledger, queue, 10)
      await ledger.check({ queue, duplicates: 11, withinMs: healMs })
      watch.check()
      assert.ok(isMqError(queue.health().lastError), `lastError is ${String(queue.health().lastError)}`)
    },
  },
  {
    id: 'HEA-6',
    title: 'a listener removed from the adapter gets no events, and the others do',
    promises: [10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const adapter = await kit.connected()
      const heard: AdapterEvent[] = []
      let removedHeard = 0
      const remove = adapter.on(() => {
        removedHeard += 1
      })
      adapter.on((event) => heard.push(event))
      remove()
      await kit.faults.cut()
      const has = (wanted: string): boolean => heard.some((event) => event.type === 'state' && event.state === wanted)
      await kit.until('the event of the lost connection', () => has('reconnecting'), { timeoutMs: noticeMs })
      await kit.until('the event of the new connection', () => has('connected'), { timeoutMs: healMs })
      assert.equal(removedHeard, 0, 'events that a removed listener got')
    },
  },
  {
    id: 'HEA-7',
    title: 'the blocked event reports when the broker stops accepting messages and when it accepts them again',
    promises: [10, 12],
    level: 'optional',
    needs: ['block', 'heal'],
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const heard: boolean[] = []
      queue.on('blocked', ({ blocked }) => heard.push(blocked))
      await queue.declareGroup(kit.topic(), 'g')
      await queue.publish(kit.topic(), 'before')
      await kit.faults.block()
      const { error, tookMs } = await timed(queue.publish(kit.topic(), 'meanwhile', { timeoutMs: 1_500 }))
      const refusedAtOnce = isMqError(error, 'MQ_PUBLISH_REJECTED') && tookMs < 700
      const isReported = (): boolean => refusedAtOnce || heard[0] === true
      await kit.until('the blocked event of the broker for which a publish waited', isReported)
      await kit.faults.heal()
      const isOver = (): boolean => refusedAtOnce || heard.at(-1) === false
      await kit.until('the event that the block is over', isOver, { timeoutMs: 15_000 })
      await queue.publish(kit.topic(), 'after')
    },
  },
  {
    id: 'HEA-8',
    title: 'a group destroyed at the broker is a data-loss event; its handlers are aborted, and consuming resumes',
    promises: [3, 10, 15],
    level: 'required',
    needs: ['destroy'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const { queue, watch, ledger } = await watched(kit, { topic: kit.topic('other') })
      const losses: QueueEvents['data-loss'][] = []
      queue.on('data-loss', (event) => losses.push(event))
      const gate = createGate()
      const collector = await kit.collect(queue, kit.topic(), { concurrency: 1, handler: () => gate.opened })
      for (const number of range(10)) await queue.publish(kit.topic(), number, { id: `lost-${number}` })
      await kit.until('one handler to run', () => collector.running === 1)
      const ref = { topic: kit.topic(), group: 'g' }
      await kit.faults.destroy(ref)
      const withinMs = { timeoutMs: kit.redeliveryMs + healMs }
      await kit.until('the data-loss event', () => losses.length > 0, withinMs)
      for (const { topic, group } of losses) assert.deepEqual({ topic, group }, ref)
      for (const { count } of losses)
        assert.ok(count === undefined || count > 0, `a data-loss event counts ${count} messages`)
      await kit.until('the signal of the handler to abort', () => collector.runs[0]?.signal.aborted === true, withinMs)
      gate.open()
      await untilWell(kit, queue)
      const ids = range(10).map((number) => `later-${number}`)
      for (const id of ids) await queue.publish(kit.topic(), 'later', { id })
      await kit.until(
        'the messages that are published later',
        () => ids.every((id) => collector.ids.includes(id)),
        withinMs,
      )
      await ledger.publish(queue, { count: 10 })
      await ledger.check({ queue, duplicates: 0 })
      watch.check()
    },
  },
]

interface HealthWatch {
  readonly states: readonly QueueEvents['state'][]
  /** Throws if health has contradicted the state or itself at any moment. */
  check(): void
}

/** Creates a queue with a consumer that has handled a message, and watches its health all the time. */
async function watched(kit: Kit, { topic = kit.topic() } = {}) {
  const queue = await kit.queue()
  const ledger = kit.ledger(topic)
  await ledger.collect(queue)
  await ledger.publish(queue, { count: 1 })
  await kit.until('a first message', () => ledger.handled().size === 1)
  await kit.quiet(() => ledger.handled().size)
  return { queue, ledger, watch: watchHealth(queue) }
}

function watchHealth(queue: Queue): HealthWatch {
  const states: QueueEvents['state'][] = []
  const contradictions: QueueHealth[] = []
  const look = (): void => {
    const health = queue.health()
    if (contradicts(health)) contradictions.push(health)
  }
  queue.on('state', (event) => {
    states.push(event)
    look()
  })
  const timer = setInterval(() => {
    if (queue.health().state === 'disconnected') clearInterval(timer)
    else look()
  }, 5)
  timer.unref()
  return {
    states,
    check: () =>
      assert.deepEqual(contradictions.slice(0, 3), [], `health contradicted itself ${contradictions.length} times`),
  }
}

const contradicts = ({ state, status, consumers }: QueueHealth): boolean =>
  (state === 'connected' && status === 'down') ||
  (state === 'reconnecting' && status === 'up') ||
  (status === 'up' && consumers.some((one) => one.status === 'recovering'))
