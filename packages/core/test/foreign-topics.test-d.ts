import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createScheduler, defineForeignTopic, defineTask, type ForeignTopic, type Queue } from '../src/index.js'

declare const queue: Queue
const at = 'user_events'

describe('defineForeignTopic', () => {
  it('knows what a handler gets', () => {
    expectTypeOf(defineForeignTopic('a', { at })).toEqualTypeOf<ForeignTopic<unknown>>()
    expectTypeOf(defineForeignTopic<{ id: number }>('a', { at })).toEqualTypeOf<ForeignTopic<{ id: number }>>()
    expectTypeOf(defineForeignTopic('a', { at, decode: 'text' })).toEqualTypeOf<ForeignTopic<string>>()
    expectTypeOf(defineForeignTopic('a', { at, decode: 'bytes' })).toEqualTypeOf<ForeignTopic<Uint8Array>>()
    const schema = z.string().transform((text) => text.length)
    expectTypeOf(defineForeignTopic('a', { at, decode: 'text', schema })).toEqualTypeOf<ForeignTopic<number>>()
    void queue.subscribe(defineForeignTopic('a', { at, decode: 'bytes' }), ({ data }) => {
      expectTypeOf(data).toEqualTypeOf<Uint8Array>()
    })
  })

  it('is a target, and cannot be published to', () => {
    const topic = defineForeignTopic('a', { at, decode: 'text' })
    void queue.stats(topic)
    void queue.deadLetters(topic)
    const task = defineTask({ name: 'count', execute: (length: number) => length })
    void createScheduler(queue).route(topic, task, ({ data }) => data.length)
    // @ts-expect-error: other programs own it
    void queue.publish(topic, 'text')
    // @ts-expect-error: other programs own it
    void queue.publishAll(topic, ['text'])
  })
})
