import { brokers, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { namespaceFor } from '../src/topology/names.js'
import { forgedDeath, nestedFields, propertiesWith, publishBytes } from './support/frames.js'
import { eventually, freshTopic, open } from './support/open.js'
import { onRaw } from './support/raw.js'

const names = namespaceFor('mq')
const content = Buffer.from('{"a":1}')

describe.skipIf(!brokers.wanted('rabbitmq'))('a message that the driver cannot decode', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('rabbitmq')).url
  })

  async function publishTo(queue: string, fields: Buffer, id: string): Promise<void> {
    await onRaw(url, async (channel) => {
      publishBytes(channel, { exchange: '', routingKey: queue }, { properties: propertiesWith(fields, id), content })
      await channel.checkQueue(queue)
    })
  }

  it('becomes a dead letter with its bytes, and the messages of other topics keep their attempts', async () => {
    const queue = await open({ url })
    const [poisoned, innocent] = [freshTopic(), freshTopic()]
    const states: unknown[] = []
    queue.on('state', (event) => states.push(event))
    let attempts = 0
    let end = (): void => undefined
    const held = new Promise<void>((resolve) => {
      end = resolve
    })
    await queue.subscribe(innocent, async ({ attempt }) => {
      attempts = Math.max(attempts, attempt)
      await held
    })
    const handled: unknown[] = []
    await queue.subscribe(poisoned, ({ id }) => void handled.push(id))
    await queue.publish(innocent, 1)
    await eventually(() => attempts === 1, 'the innocent handler to run')
    await publishTo(names.group({ topic: poisoned, group: 'workers' }), nestedFields(5_000), 'deep')
    await queue.publish(poisoned, 1, { id: 'next' })
    await eventually(async () => (await queue.stats(poisoned)).dead === 1, 'the dead letter')
    await eventually(() => handled.length === 1, 'the message after it')
    end()
    const [letter] = await queue.deadLetters(poisoned).list()
    expect(letter?.message).toMatchObject({ id: 'deep', body: content })
    expect(letter).toMatchObject({ failure: { reason: 'undecodable', attempts: 0 } })
    expect(handled).toEqual(['next'])
    expect([attempts, states]).toEqual([1, []])
    expect(await queue.deadLetters(poisoned).replay()).toEqual({ replayed: 1 })
    await eventually(async () => (await queue.stats(poisoned)).dead === 1, 'the dead letter again')
    expect(handled).toEqual(['next'])
  })

  it.each([
    ['the broker keeps its headers', nestedFields(9_949), 'broker'],
    ['it loses its headers if another program wrote its x-death', [forgedDeath(), nestedFields(9_949)], 'undecodable'],
  ] as const)('becomes a dead letter if its bytes do not fit the headers of a copy: %s', async (_, fields, reason) => {
    const queue = await open({ url })
    const topic = freshTopic()
    const errors: string[] = []
    queue.on('error', ({ error }) => void errors.push(error.message))
    const handled: unknown[] = []
    await queue.subscribe(topic, ({ id }) => void handled.push(id))
    await publishTo(
      names.group({ topic, group: 'workers' }),
      Buffer.isBuffer(fields) ? fields : Buffer.concat([...fields]),
      'deep',
    )
    await queue.publish(topic, 1, { id: 'next' })
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    await eventually(() => handled.length === 1, 'the message after it')
    expect(await queue.deadLetters(topic).list()).toMatchObject([
      { message: { id: 'deep', body: content }, failure: { reason } },
    ])
    expect(handled).toEqual(['next'])
    expect(errors.length).toBeLessThan(5)
  })

  it('does not hinder the list of dead letters, whoever wrote it there', async () => {
    const queue = await open({ url })
    const topic = freshTopic()
    await queue.subscribe(topic, () => {})
    const dead = names.dead({ topic, group: 'workers' })
    await publishTo(dead, nestedFields(5_000), 'deep')
    await onRaw(url, async (channel) => {
      const spoiled = { toString: 1, valueOf: 1 }
      const deaths: unknown[] = [
        [{ reason: spoiled, time: { '!': 'timestamp', value: 2 ** 62 } }],
        [[spoiled]],
        [null],
        spoiled,
      ]
      for (const [index, death] of deaths.entries()) {
        const headers = { 'x-death': death, 'x-first-death-reason': spoiled, 'mq-entry': index === 0 ? spoiled : 'e' }
        channel.sendToQueue(dead, content, { messageId: `forged-${index}`, headers })
      }
      await channel.waitForConfirms()
    })
    await eventually(async () => (await queue.stats(topic)).dead === 5, 'all dead letters')
    const letters = await queue.deadLetters(topic).list()
    expect(letters.map(({ message }) => message.id).sort()).toEqual([
      'deep',
      'forged-0',
      'forged-1',
      'forged-2',
      'forged-3',
    ])
    for (const { failure } of letters) {
      expect(failure.reason).toBe('broker')
      expect(Math.abs(Date.now() - failure.failedAt)).toBeLessThan(60_000)
    }
    const deep = letters.find(({ message }) => message.id === 'deep')?.entryId ?? ''
    expect(await queue.deadLetters(topic).purge([deep])).toEqual({ purged: 1 })
  })
})
