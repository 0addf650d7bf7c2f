import { createQueue, MqError, Unrecoverable } from '@mq/core'
import { type MemoryAdapter, memory, testClock } from '@mq/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { instrument } from '../src/index.js'
import { recordMetrics } from './support/metrics.js'
import { dashboardQueries, rulesIn, rulesText } from './support/shown.js'

/** The expressions of the rules, with the metric in place of what another rule records of it. */
const rules = rulesIn(rulesText).map(({ alert, record, expr }) => ({
  of: alert ?? record ?? '',
  expression: expr.replaceAll(/mq:(\w+):known/g, 'mq_$1'),
}))

/** The metrics of an expression, each with the labels and values that it asks for. */
const metricsIn = (expression: string) =>
  [...expression.matchAll(/\b((?:mq|messaging)_\w+?)(?:\{([^}]*)\})?(?=[\s)[{]|$)/g)]
    .map(([, name = '', labels = '']) => ({ name, labels: [...labels.matchAll(/(\w+)=~?"([^"]*)"/g)] }))
    .filter(({ name }) => !/^messaging_(destination_name|consumer_group_name|system)$|^mq_message_/.test(name))

/** A queue with every kind of trouble for which there is a rule. */
async function troubled() {
  const { provider, scrape } = await recordMetrics()
  const clock = testClock()
  const adapter = memory({ clock })
  const listeners: Parameters<MemoryAdapter['on']>[0][] = []
  const heard: MemoryAdapter = {
    ...adapter,
    on: (listener) => {
      listeners.push(listener)
      return adapter.on(listener)
    },
    publish: (topic, messages, call) =>
      topic === 'refused'
        ? Promise.reject(new MqError('MQ_PUBLISH_REJECTED', 'full'))
        : adapter.publish(topic, messages, call),
  }
  const queue = createQueue(heard, { logFailures: false, log: silent })
  const groups = [
    { target: 't', group: 'g' },
    { target: 'paused', group: 'g' },
  ]
  instrument(queue, { meterProvider: provider, groups })
  await queue.connect()
  onTestFinished(() => queue.disconnect())
  await queue.declareGroup('paused', 'g')
  await queue.pauseGroup('paused', 'g')
  await queue.publish('paused', 1)
  await queue.subscribe('t', () => Promise.reject(new Unrecoverable('no')), { group: 'g' })
  await queue.publish('t', 1)
  await queue.publish('refused', 1).catch(() => {})
  const emit = (event: Parameters<(typeof listeners)[number]>[0]) => {
    for (const listener of listeners) listener(event)
  }
  emit({ type: 'data-loss', topic: 't', group: 'g', reason: 'trimmed', count: 3 })
  emit({ type: 'blocked', blocked: true })
  emit({ type: 'error', error: new MqError('MQ_CONNECTION_LOST', 'cut') })
  await clock.advance(1_000_000)
  return await scrape()
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

describe('the alert rules and the dashboard', () => {
  it('ask for metrics and labels that there are', async () => {
    const { samples } = await troubled()
    const expressions = [...rules, ...dashboardQueries]
    expect(rules.length).toBe(11)
    expect(expressions.length).toBeGreaterThan(20)
    for (const { of, expression } of expressions) {
      const asked = metricsIn(expression)
      expect(asked.length, of).toBeGreaterThan(0)
      for (const { name, labels } of asked) {
        const found = samples.filter((sample) => sample.name === name)
        expect(found.length, `${of}: ${name}`).toBeGreaterThan(0)
        for (const [, label = '', value = ''] of labels) {
          const values = found.map((sample) => sample.labels[label])
          const pattern = value.startsWith('$') ? /./ : new RegExp(`^(?:${value})$`)
          expect(
            values.some((each) => each !== undefined && pattern.test(each)),
            `${of}: ${label}`,
          ).toBe(true)
        }
      }
    }
  })

  it('compare figures that trouble reaches', async () => {
    const { values } = await troubled()
    expect({
      lost: values('mq_queue_lost_messages_total', { messaging_destination_name: 't' }),
      dead: values('mq_group_messages', { messaging_destination_name: 't', mq_message_state: 'dead' }),
      age: values('mq_group_oldest_message_age', { messaging_destination_name: 'paused', mq_message_state: 'ready' }),
      blocked: values('mq_queue_blocked'),
      failed: values('messaging_client_sent_messages_total', { error_type: 'MQ_PUBLISH_REJECTED' }),
      paused: values('mq_group_paused', { messaging_destination_name: 'paused' }),
    }).toEqual({ lost: [3], dead: [1], age: [1_000], blocked: [1], failed: [1], paused: [1] })
  })
})
