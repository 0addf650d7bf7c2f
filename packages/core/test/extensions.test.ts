import { describe, expect, it } from 'vitest'
import { createScheduler } from '../src/index.js'
import { deliver } from './support/deliveries.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'
import { connected } from './support/queues.js'

describe('extensions', () => {
  it('are sent as they were given', async () => {
    const { queue, adapter } = await connected()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await queue.publish('t', 1, { extensions: { traceparent, tenant: 'ä' } })
    expect({ ...adapter.published[0]?.messages[0]?.extensions }).toEqual({ traceparent, tenant: 'ä' })
  })

  it('that no CloudEvent can have are refused', async () => {
    const { queue, adapter } = await connected()
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`a${index}`, 'x']))
    const bad = [{ Upper: 'x' }, { 'a-b': 'x' }, { '': 'x' }, { a: '' }, { a: 'x\n' }, { a: '\ud800' }, many]
    for (const extensions of [...bad, { id: 'x' }, { partitionkey: 'x' }, { a: 'x'.repeat(5_000) }]) {
      await mqErrorOf(() => queue.publish('t', 1, { extensions }), 'MQ_INVALID_HEADER')
    }
    await typeErrorOf(() => queue.publish('t', 1, { extensions: { a: 1 } as never }))
    await typeErrorOf(() => queue.publish('t', 1, { extensions: 'a' as never }))
    expect(adapter.published).toEqual([])
  })
})

describe('cause and trace', () => {
  const traced = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' }

  it('of the message that is handled go with what its handler publishes, also later and from elsewhere', async () => {
    const { queue, adapter } = await connected()
    createScheduler(queue)
    const publishElsewhere = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      await queue.publishAll('u', [1, 2])
    }
    await queue.subscribe('t', publishElsewhere, { group: 'g' })
    const handle = adapter.consumers[0]?.handle as never
    await deliver(handle, { message: { id: 'first', extensions: traced } }).settlement
    await deliver(handle, { message: { id: 'second', extensions: { correlationid: 'begin' } } }).settlement
    const sent = adapter.published.flatMap(({ messages }) => messages.map(({ extensions }) => ({ ...extensions })))
    expect(sent).toEqual([
      { causationid: 'first', correlationid: 'first', ...traced },
      { causationid: 'first', correlationid: 'first', ...traced },
      { causationid: 'second', correlationid: 'begin' },
      { causationid: 'second', correlationid: 'begin' },
    ])
  })

  it('give way to what the publisher says', async () => {
    const { queue, adapter } = await connected()
    createScheduler(queue)
    await queue.subscribe('t', () => queue.publish('u', 1, { extensions: { correlationid: 'own' } }), { group: 'g' })
    await deliver(adapter.consumers[0]?.handle as never, { message: { id: 'first', extensions: traced } }).settlement
    expect({ ...adapter.published[0]?.messages[0]?.extensions }).toEqual({
      causationid: 'first',
      correlationid: 'own',
      ...traced,
    })
  })

  it('that another program wrote and we could not send are left out', async () => {
    const { queue, adapter } = await connected()
    createScheduler(queue)
    await queue.subscribe('t', () => queue.publish('u', 1), { group: 'g' })
    const extensions = { correlationid: 'a\nb', traceparent: 'x'.repeat(600) }
    await deliver(adapter.consumers[0]?.handle as never, { message: { id: 'first', extensions } }).settlement
    expect({ ...adapter.published[0]?.messages[0]?.extensions }).toEqual({ causationid: 'first' })
  })

  it('are none outside of a handler', async () => {
    const { queue, adapter } = await connected()
    createScheduler(queue)
    await queue.publish('t', 1)
    expect({ ...adapter.published[0]?.messages[0]?.extensions }).toEqual({})
  })
})
