import assert from 'node:assert/strict'
import type { Chapter } from '../kit/case.js'
import { rejection } from '../kit/expect.js'
import { withoutAbilities } from './inspection/waiting.js'

/** Tests what is published in a transaction of the application. */
export const transactions: Chapter = {
  name: 'transactions',
  cases: [
    {
      id: 'TRX-1',
      title: 'what is published in a transaction is delivered once that commits, and not before',
      promises: [24],
      level: 'capability',
      needs: ['begin'],
      unless: withoutAbilities('joinsTransactions'),
      async run(kit) {
        const [queue, topic] = [await kit.queue(), kit.topic()]
        const collector = await kit.collect(queue, topic)
        const { transaction, commit } = await kit.begin()
        await queue.publish(topic, 1, { id: 'one', transaction })
        await queue.publishAll(topic, [2, 3], { id: (data) => `${data}`, transaction })
        await queue.publish(topic, 4, { id: 'outside' })
        await kit.until('the message outside', () => collector.handled.length > 0)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(collector.ids, ['outside'], 'before the commit')
        await commit()
        await kit.until('all messages', () => collector.handled.length === 4, { timeoutMs: 20_000 })
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual([...collector.ids].sort(), ['2', '3', 'one', 'outside'])
      },
    },
    {
      id: 'TRX-2',
      title: 'what is published in a transaction that is rolled back is never delivered, and its id is free',
      promises: [24],
      level: 'capability',
      needs: ['begin'],
      unless: withoutAbilities('joinsTransactions'),
      async run(kit) {
        const [queue, topic] = [await kit.queue(), kit.topic()]
        const collector = await kit.collect(queue, topic)
        const { transaction, rollback } = await kit.begin()
        await queue.publish(topic, 1, { id: 'one', transaction })
        await queue.publish(topic, 2, { id: 'later', delayMs: 50, transaction })
        await rollback()
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(collector.ids, [])
        await queue.publish(topic, 3, { id: 'one' })
        await kit.until('the message with the id', () => collector.handled.length > 0)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(collector.ids, ['one'])
        assert.equal((await queue.stats(topic, 'g')).ready ?? 0, 0, 'messages that are ready')
      },
    },
    {
      id: 'TRX-3',
      title: 'nobody waits for a transaction, and its messages reach the groups that there are when it commits',
      promises: [2, 24],
      level: 'capability',
      needs: ['begin'],
      unless: withoutAbilities('joinsTransactions'),
      async run(kit) {
        const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
        await queue.declareGroup(topic, 'g')
        const { transaction, commit } = await kit.begin()
        await queue.publish(topic, 1, { id: 'in', transaction })
        const collectors = [
          await kit.collect(elsewhere, topic, { group: 'new' }),
          await kit.collect(elsewhere, topic, { group: 'g' }),
        ]
        await elsewhere.publish(topic, 2, { id: 'out' })
        await kit.until('the other message', () => collectors.every(({ handled }) => handled.length > 0))
        await commit()
        await kit.until('all messages', () => collectors.every(({ handled }) => handled.length === 2), {
          timeoutMs: 20_000,
        })
        for (const { ids } of collectors) assert.deepEqual(ids, ['out', 'in'])
      },
    },
    {
      id: 'TRX-4',
      title: 'an adapter that joins no transactions refuses it',
      promises: [24],
      level: 'capability',
      refusal: true,
      unless: ({ joinsTransactions }) => (joinsTransactions ? 'it can join transactions' : undefined),
      async run(kit) {
        const [queue, topic] = [await kit.queue(), kit.topic()]
        const collector = await kit.collect(queue, topic)
        const transaction = async (): Promise<unknown> => []
        await rejection(queue.publish(topic, 1, { transaction }), 'MQ_NOT_SUPPORTED')
        await rejection(queue.publishAll(topic, [1], { transaction }), 'MQ_NOT_SUPPORTED')
        await rejection(queue.publishTombstone(topic, 'k', { transaction }), 'MQ_NOT_SUPPORTED')
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(collector.ids, [])
      },
    },
  ],
}
