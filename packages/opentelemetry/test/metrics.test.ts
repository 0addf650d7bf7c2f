import { createScheduler, defineTask, MqError, RetryLater, Unrecoverable } from '@mq/core'
import { describe, expect, it } from 'vitest'
import { recordMetrics } from './support/metrics.js'
import { opened } from './support/queues.js'

const place = { messaging_system: 'memory', messaging_destination_name: 't' }

describe('the metrics of the conventions', () => {
  it('count what was sent and consumed, and measure how long it took', async () => {
    const { provider, scrape } = await recordMetrics()
    const { queue, adapter, clock } = await opened({ meterProvider: provider })
    await queue.subscribe(
      't',
      async ({ data }) => {
        await clock.advance(0)
        if (data === 'bad') throw new Unrecoverable('no')
      },
      { group: 'g' },
    )
    await queue.publish('t', 'good')
    await queue.publishAll('t', ['good', 'bad'])
    await queue.publish('t', 5n).catch(() => {})
    await adapter.settled()
    const { values } = await scrape()
    const sent = { ...place, messaging_operation_name: 'send' }
    expect(values('messaging_client_sent_messages_total', { ...sent, error_type: 'MQ_NOT_SERIALIZABLE' })).toEqual([1])
    expect(values('messaging_client_sent_messages_total', sent).reduce((sum, one) => sum + one)).toBe(4)
    const process = { ...place, messaging_operation_name: 'process', messaging_consumer_group_name: 'g' }
    expect(values('messaging_client_consumed_messages_total', { ...process, mq_message_settlement: 'done' })).toEqual([
      2,
    ])
    expect(values('messaging_client_consumed_messages_total', { ...process, error_type: 'Unrecoverable' })).toEqual([1])
    // A list is one operation.
    const operations = values('messaging_client_operation_duration_count', {
      ...sent,
      messaging_operation_type: 'send',
    })
    expect(operations.reduce((sum, one) => sum + one)).toBe(3)
    expect(values('messaging_process_duration_count', process).reduce((sum, one) => sum + one)).toBe(3)
  })

  it('have no label whose values grow without end', async () => {
    const { provider, scrape } = await recordMetrics()
    const { queue, adapter } = await opened({ meterProvider: provider })
    await queue.subscribe('t', () => {}, { ephemeral: true })
    await queue.publish('t', 1, { id: 'only-once', key: 'one-of-many' })
    await adapter.settled()
    const { text } = await scrape()
    expect(text).toContain('messaging_client_consumed_messages_total')
    expect(text).not.toMatch(/only-once|one-of-many|ephemeral/)
  })
})

describe('the figures of a group', () => {
  it('say what is ready, delayed, retrying, dead and running, and how old the oldest is', async () => {
    const { provider, scrape } = await recordMetrics()
    const pay = defineTask({ name: 'pay', execute: () => {} })
    const groups = [{ target: 't', group: 'g' }, { target: pay }]
    const { queue, adapter, clock } = await opened({ meterProvider: provider, groups })
    let end = (): void => {}
    const running = new Promise<void>((resolve) => {
      end = resolve
    })
    await queue.subscribe(
      't',
      async ({ data }) => {
        if (data === 'bad') throw new Unrecoverable('no')
        if (data === 'later') throw new RetryLater({ afterMs: 60_000 })
        await running
      },
      { group: 'g', concurrency: 1 },
    )
    for (const data of ['bad', 'later', 'runs', 'waits']) await queue.publish('t', data)
    await queue.publish('t', 'delayed', { delayMs: 60_000 })
    await queue.declareGroup(pay)
    await clock.advance(5_000)
    const { values } = await scrape()
    const group = { ...place, messaging_consumer_group_name: 'g' }
    const count = (state: string) => values('mq_group_messages', { ...group, mq_message_state: state })
    expect({
      ready: count('ready'),
      in_flight: count('in_flight'),
      delayed: count('delayed'),
      retrying: count('retrying'),
      dead: count('dead'),
    }).toEqual({ ready: [1], in_flight: [1], delayed: [1], retrying: [1], dead: [1] })
    expect(values('mq_group_oldest_message_age', { ...group, mq_message_state: 'ready' })).toEqual([5])
    expect(values('mq_group_oldest_message_age', { ...group, mq_message_state: 'dead' })).toEqual([5])
    expect(values('mq_group_paused', group)).toEqual([0])
    expect(values('mq_queue_up')).toEqual([1])
    const workers = { messaging_destination_name: 'task.pay', messaging_consumer_group_name: 'workers' }
    expect(values('mq_group_messages', { ...workers, mq_message_state: 'ready' })).toEqual([0])
    await queue.pauseGroup('t', 'g')
    expect((await scrape()).values('mq_group_paused', group)).toEqual([1])
    end()
    await queue.resumeGroup('t', 'g')
    await adapter.settled()
  })

  it('are left out if the broker does not say, or if a group is not there, and the others stay', async () => {
    const { provider, scrape } = await recordMetrics()
    const groups = [
      { target: 'gone', group: 'g' },
      { target: 't', group: 'g' },
    ]
    const { queue } = await opened({ meterProvider: provider, groups })
    await queue.declareGroup('t', 'g')
    const stats = queue.stats.bind(queue)
    Object.assign(queue, {
      stats: (target: string, group: string) =>
        target === 'gone' ? Promise.reject(new MqError('MQ_TIMEOUT', 'late')) : stats(target, group),
    })
    const { samples } = await scrape()
    const named = samples.filter(({ name }) => name === 'mq_group_messages')
    expect(new Set(named.map(({ labels }) => labels.messaging_destination_name))).toEqual(new Set(['t']))
    const known = samples.filter(({ name }) => name === 'mq_group_known')
    expect(known.map(({ labels, value }) => [labels.messaging_destination_name, value])).toEqual([
      ['gone', 0],
      ['t', 1],
    ])
  })

  it('are unknown once the group is gone, although the SDK repeats the old ones', async () => {
    const { provider, scrape } = await recordMetrics()
    const { queue } = await opened({ meterProvider: provider, groups: [{ target: 't', group: 'g' }] })
    await queue.declareGroup('t', 'g')
    await queue.publish('t', 1)
    expect((await scrape()).values('mq_group_known')).toEqual([1])
    await queue.deleteGroup('t', 'g')
    const { values } = await scrape()
    expect(values('mq_group_known')).toEqual([0])
    expect(values('mq_group_messages', { mq_message_state: 'ready' })).toEqual([1])
  })

  it('are unknown after a while if the broker does not answer, and the collection ends with what it has', async () => {
    const { provider, scrape } = await recordMetrics()
    const groups = Array.from({ length: 30 }, (_, index) => ({ target: `t${index}`, group: 'g' }))
    const { queue } = await opened({ meterProvider: provider, groups, timeoutMs: 50 })
    let asked = 0
    Object.assign(queue, {
      stats: () => {
        asked += 1
        return new Promise(() => {})
      },
    })
    const { values } = await scrape()
    expect(values('mq_group_known')).toEqual(groups.map(() => 0))
    expect(values('mq_queue_up')).toEqual([1])
    // The time is that of all groups together, so those that have no turn are not asked.
    expect(asked).toBe(10)
  })

  it('ask the broker only while there is a connection, and until stop', async () => {
    const { provider, scrape } = await recordMetrics()
    const { queue, instrumentation } = await opened({ meterProvider: provider, groups: [{ target: 't', group: 'g' }] })
    await queue.declareGroup('t', 'g')
    let asked = 0
    const stats = queue.stats.bind(queue)
    Object.assign(queue, {
      stats: (target: string, group: string) => {
        asked += 1
        return stats(target, group)
      },
    })
    const figures = async () => {
      const { values } = await scrape()
      return { asked, up: values('mq_queue_up'), known: values('mq_group_known') }
    }
    expect(await figures()).toEqual({ asked: 1, up: [1], known: [1] })
    await queue.disconnect()
    expect(await figures()).toEqual({ asked: 1, up: [0], known: [0] })
    instrumentation.stop()
    instrumentation.stop()
    expect((await figures()).asked).toBe(1)
  })

  it('are asked for no longer after stop', async () => {
    const { provider, scrape } = await recordMetrics()
    const { queue, instrumentation } = await opened({ meterProvider: provider, groups: [{ target: 't', group: 'g' }] })
    Object.assign(queue, { stats: () => expect.fail('It was asked') })
    instrumentation.stop()
    await scrape()
  })
})

describe('trouble', () => {
  it('is counted, and logged as if nobody listened', async () => {
    const { provider, scrape } = await recordMetrics()
    const lines: string[] = []
    const write = (text: string) => void lines.push(text)
    const log = { debug: write, info: write, warn: write, error: write }
    const { queue, adapter } = await opened({ meterProvider: provider }, { log, logFailures: true })
    await queue.subscribe('t', () => {}, { group: 'g' })
    await queue.subscribe(
      't',
      () => {
        throw new Error('broken')
      },
      { ephemeral: true },
    )
    await queue.publish('t', 1)
    await adapter.settled()
    expect((await scrape()).values('mq_queue_errors_total', { error_type: 'MQ_OPERATION_FAILED' })).toEqual([1])
    expect(lines).toEqual([expect.stringContaining('broken')])
  })
})

describe('instrument', () => {
  it('refuses options that mean nothing', async () => {
    const { queue } = await opened()
    const { instrument } = await import('../src/index.js')
    const task = defineTask({ name: 'pay', execute: () => {} })
    const bad = [
      { meters: 1 },
      { groups: 't' },
      { groups: [{}] },
      { groups: [{ target: 't' }] },
      { groups: [null] },
      { timeoutMs: 0 },
    ]
    for (const options of bad) expect(() => instrument(queue, options as never)).toThrow(TypeError)
    expect(() => instrument(queue, { groups: [{ target: task, group: 7 as never }] })).toThrow(TypeError)
    expect(() => instrument(queue, { groups: [{ target: task }] })).not.toThrow()
  })

  it('changes nothing without a provider, for messages and for tasks', async () => {
    const { queue, adapter } = await opened()
    const scheduler = createScheduler(queue)
    const double = defineTask({ name: 'double', execute: (input: number) => input * 2 })
    await scheduler.register(double)
    await scheduler.start()
    const extensions: unknown[] = []
    await queue.subscribe('t', (message) => void extensions.push({ ...message.extensions }), { group: 'g' })
    await queue.publish('t', 1)
    const handle = await scheduler.enqueue(double, 21, { reply: true })
    expect(await handle.result({ timeoutMs: 5_000 })).toBe(42)
    await adapter.settled()
    expect(extensions).toEqual([{}])
    await scheduler.stop()
  })
})
