import { createScheduler, defineEvent, defineTask, type RawMessage, Unrecoverable } from '@mq/core'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { opened } from './support/queues.js'
import { idOf, parentOf, recordSpans, traceOf, traceparent } from './support/spans.js'

const { provider, spans, named, all, reset } = recordSpans()
beforeEach(reset)
afterAll(() => provider.shutdown())
const retry = { attempts: 2, backoff: 'fixed', delayMs: 100, jitter: 'none' } as const
const application = trace.getTracer('the application')

/** Runs the work as the handling of an HTTP request does, and returns the request's span. */
const inRequest = (work: () => Promise<unknown>) =>
  application.startActiveSpan('POST /orders', { kind: SpanKind.SERVER }, async (span) => {
    await work()
    span.end()
    return span.spanContext()
  })

describe('a trace', () => {
  it('leads from a request through publish and handler to what the handler publishes, without a scheduler', async () => {
    const { queue, adapter } = await opened()
    await queue.subscribe('order.paid', () => queue.publish('mail.sent', 1), { group: 'shipping' })
    await queue.subscribe('mail.sent', () => {}, { group: 'archive' })
    const request = await inRequest(() => queue.publish('order.paid', 1))
    await adapter.settled()
    const chain = ['send order.paid', 'process order.paid', 'send mail.sent', 'process mail.sent'].map(named)
    expect(chain.map(parentOf)).toEqual([request.spanId, ...chain.slice(0, -1).map(idOf)])
    expect(new Set(chain.map(traceOf))).toEqual(new Set([request.traceId]))
    expect(chain.map(({ kind }) => kind)).toEqual([
      SpanKind.PRODUCER,
      SpanKind.CONSUMER,
      SpanKind.PRODUCER,
      SpanKind.CONSUMER,
    ])
  })

  it('leads through a task, its events and its reply', async () => {
    const { queue, adapter } = await opened()
    const pay = defineTask({
      name: 'pay',
      input: z.number(),
      events: ['completed'],
      execute: async (input) => {
        await queue.publish('paid', input)
        return input
      },
    })
    const scheduler = createScheduler(queue)
    await scheduler.register(pay)
    await scheduler.start()
    const request = await inRequest(async () => {
      const handle = await scheduler.enqueue(pay, 7, { reply: true })
      expect(await handle.result({ timeoutMs: 5_000 })).toBe(7)
    })
    await adapter.settled()
    const run = named('process task.pay')
    expect(parentOf(run)).toBe(idOf(named('send task.pay')))
    for (const name of ['send paid', 'send task.completed', 'send task-replies']) {
      expect([name, parentOf(named(name)), traceOf(named(name))]).toEqual([name, idOf(run), request.traceId])
    }
    // Every process gets the replies for all others.
    expect(all('process task-replies')).toEqual([])
    await scheduler.stop()
  })

  it('goes on in a retry, which names the run before it, and in a replay', async () => {
    const { queue, adapter, clock } = await opened()
    await queue.subscribe(
      't',
      ({ attempt }) => {
        if (attempt < 3) throw Object.assign(new RangeError('broken'), { code: 'E_BROKEN' })
      },
      { group: 'g', retry },
    )
    await queue.publish('t', 1)
    await adapter.settled()
    await clock.advance(100)
    await adapter.settled()
    const [first, second] = all('process t')
    const sent = named('send t')
    expect(first?.links).toEqual([])
    expect(second?.links).toMatchObject([
      { context: { spanId: first && idOf(first) }, attributes: { 'mq.link': 'previous attempt' } },
    ])
    expect([first, second].map((span) => span && parentOf(span))).toEqual([idOf(sent), idOf(sent)])
    expect(first?.attributes).toMatchObject({
      'error.type': 'E_BROKEN',
      'mq.message.attempt': 1,
      'mq.message.settlement': 'retry',
      'mq.message.retry_delay_ms': 100,
    })
    expect(first?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'RangeError: broken' })
    expect(second?.attributes).toMatchObject({ 'mq.message.attempt': 2, 'mq.message.settlement': 'dead' })
    expect(second?.events).toMatchObject([{ name: 'exception', attributes: { 'exception.message': 'broken' } }])

    const letters = queue.deadLetters('t', 'g')
    const [letter] = await letters.list()
    expect(letter?.failure.traceparent).toBe(second && traceparent(second.spanContext()))
    await letters.replay()
    await adapter.settled()
    const third = all('process t')[2]
    expect(third && [traceOf(third), parentOf(third)]).toEqual([traceOf(sent), idOf(sent)])
  })

  it('goes on in the edited copy of a dead letter, beside that of the editor', async () => {
    const { queue, adapter } = await opened()
    await queue.subscribe(
      't',
      ({ data }) => {
        if (data === 'bad') throw new Unrecoverable('no')
      },
      { group: 'g' },
    )
    await queue.publish('t', 'bad')
    await adapter.settled()
    const sent = named('send t')
    const [letter] = await queue.deadLetters('t', 'g').list()
    reset()
    const request = await inRequest(() => queue.deadLetters('t', 'g').edit(letter?.entryId ?? '', { data: 'good' }))
    await adapter.settled()
    expect([parentOf(named('send t')), traceOf(named('process t'))]).toEqual([request.spanId, request.traceId])
    expect(named('send t').links).toMatchObject([
      { context: { traceId: traceOf(sent), spanId: idOf(sent) }, attributes: { 'mq.link': 'origin' } },
    ])
  })

  it('shows messages that no handler gets', async () => {
    const { queue, adapter } = await opened()
    const event = defineEvent('t', { schema: z.number() })
    await queue.subscribe(event, () => expect.fail('It ran'), { group: 'g' })
    await queue.publish('t', 'text')
    await adapter.settled()
    const { attributes, status } = named('process t')
    expect(attributes).toMatchObject({ 'mq.message.settlement': 'dead', 'error.type': 'MQ_INVALID_DATA' })
    expect(status.code).toBe(SpanStatusCode.ERROR)
  })

  it('begins anew with each tick of a schedule', async () => {
    const { queue, clock } = await opened()
    const scheduler = createScheduler(queue)
    const tidy = defineTask({ name: 'tidy', execute: () => {} })
    await scheduler.register(tidy)
    await scheduler.start()
    await scheduler.schedule('nightly', { everyMs: 1_000 }, tidy, null as never)
    await clock.advance(1_000)
    await expect.poll(() => all('process task.tidy').length).toBe(1)
    await clock.advance(1_000)
    await expect.poll(() => all('process task.tidy').length).toBe(2)
    const runs = all('process task.tidy')
    expect(new Set(runs.map(traceOf)).size).toBe(2)
    for (const run of runs) expect(all('process schedule.nightly').map(traceOf)).toContain(traceOf(run))
    // A tick is published while the one before it is handled.
    expect(all('send schedule.nightly').flatMap((span) => parentOf(span) ?? [])).toEqual([])
    await scheduler.stop()
  })

  it('of a publishAll has one send with a link to each message', async () => {
    const { queue, adapter } = await opened()
    await queue.subscribe('t', () => {}, { group: 'g' })
    const request = await inRequest(() => queue.publishAll('t', [1, 2, 3]))
    await adapter.settled()
    const created = all('create t')
    const sent = named('send t')
    expect(sent.attributes).toMatchObject({ 'messaging.batch.message_count': 3, 'messaging.operation.type': 'send' })
    expect([sent.kind, parentOf(sent)]).toEqual([SpanKind.CLIENT, request.spanId])
    expect(sent.links.map((link) => link.context.spanId)).toEqual(created.map(idOf))
    expect(all('process t').map(parentOf)).toEqual(created.map(idOf))
    expect(created.map(parentOf)).toEqual([request.spanId, request.spanId, request.spanId])
  })

  it('says why a publish was rejected', async () => {
    const { queue } = await opened()
    const event = defineEvent('t', { schema: z.number() })
    await queue.publish(event, 'text' as never).catch(() => {})
    await queue.publishAll(event, [1, 'text' as never]).catch(() => {})
    const failed = spans().filter(({ status }) => status.code === SpanStatusCode.ERROR)
    expect(failed.map(({ name, attributes }) => [name, attributes['error.type']])).toEqual(
      expect.arrayContaining([
        ['send t', 'MQ_INVALID_DATA'],
        ['create t', 'MQ_INVALID_DATA'],
      ]),
    )
    // The list and both of its messages have ended.
    expect([all('send t').length, all('create t').length]).toEqual([2, 2])
  })
})

describe('a span', () => {
  it('has the attributes of the conventions', async () => {
    const { queue, adapter } = await opened()
    await queue.subscribe('t', () => {}, { group: 'g' })
    const extensions = { correlationid: 'first' }
    await queue.publish('t', Buffer.from('four'), { id: 'm-1', extensions })
    await adapter.settled()
    const shared = {
      'messaging.system': 'memory',
      'messaging.destination.name': 't',
      'messaging.message.id': 'm-1',
      'messaging.message.conversation_id': 'first',
      'messaging.message.body.size': 4,
    }
    expect(named('send t').attributes).toEqual({
      ...shared,
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
    })
    expect(named('process t').attributes).toEqual({
      ...shared,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': 'g',
      'mq.message.attempt': 1,
      'mq.message.settlement': 'done',
    })
  })

  it('of an ephemeral subscription has no group, whose name belongs to one process', async () => {
    const { queue, adapter } = await opened()
    await queue.subscribe('t', () => {}, { ephemeral: true })
    await queue.publish('t', 1)
    await adapter.settled()
    expect(named('process t').attributes).not.toHaveProperty('messaging.consumer.group.name')
  })

  it('of a run is no part of the request in which its consumer was started', async () => {
    const { queue, adapter } = await opened()
    const request = await inRequest(() => queue.subscribe('t', () => {}, { group: 'g' }))
    await queue.publish('t', 1)
    await adapter.settled()
    expect(traceOf(named('process t'))).toBe(traceOf(named('send t')))
    expect(traceOf(named('send t'))).not.toBe(request.traceId)
  })
})

describe('the context of a message', () => {
  /** The message that is at the broker. */
  const stored = async (publish: (queue: Awaited<ReturnType<typeof opened>>['queue']) => Promise<unknown>) => {
    const { queue } = await opened()
    await queue.declareGroup('t', 'g')
    await publish(queue)
    const { items } = await queue.waiting('t', 'g').list()
    return items[0]?.message as RawMessage
  }

  it('goes out as W3C attributes, with the baggage', async () => {
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } })
    const message = await stored((queue) =>
      context.with(propagation.setBaggage(context.active(), baggage), () => queue.publish('t', 1)),
    )
    expect({ ...message.extensions }).toEqual({
      traceparent: traceparent(named('send t').spanContext()),
      baggage: 'tenant=acme',
    })
    expect({ ...message.headers }).toEqual({})
  })

  it('is the parent of a publish that has no other, as the caller gives it', async () => {
    const extensions = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' }
    const message = await stored((queue) => queue.publish('t', 1, { extensions }))
    expect([traceOf(named('send t')), parentOf(named('send t'))]).toEqual([
      '0af7651916cd43dd8448eb211c80319c',
      'b7ad6b7169203331',
    ])
    expect(message.extensions.tracestate).toBe('a=b')
  })

  it('takes the place of one that is active no longer', async () => {
    const extensions = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' }
    let message: RawMessage | undefined
    const request = await inRequest(async () => {
      message = await stored((queue) => queue.publish('t', 1, { extensions }))
    })
    expect(message?.extensions.traceparent).toContain(request.traceId)
    expect(message?.extensions.tracestate).toBeUndefined()
  })

  it('is left out if the message has no room for it, and the publish succeeds', async () => {
    const many = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`x${index}`, 'y']))
    const message = await stored((queue) => queue.publish('t', 1, { extensions: many }))
    expect({ ...message.extensions }).toEqual(many)
    reset()
    const long = { x: 'y'.repeat(4_090) }
    const other = await stored((queue) => queue.publish('t', 1, { extensions: long }))
    expect(Object.keys(other.extensions)).toEqual(['x'])
  })

  it.each([
    '',
    '00-x',
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  ])('is ignored if it is %j', async (given) => {
    const { queue, adapter } = await opened()
    await queue.subscribe('t', () => {}, { group: 'g' })
    // As another program writes it.
    queue.use({
      publish: (request, next) => next({ ...request, extensions: given === '' ? {} : { traceparent: given } }),
    })
    await queue.publish('t', 1)
    await adapter.settled()
    expect(parentOf(named('process t'))).toBeUndefined()
    expect(named('process t').attributes['mq.message.settlement']).toBe('done')
  })
})
