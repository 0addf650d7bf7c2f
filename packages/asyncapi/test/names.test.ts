import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createNames } from '../../kafka/src/topology/plans.js'
import { namespaceFor } from '../../rabbitmq/src/topology/names.js'
import { placeOf, topicKeys } from '../../redis/src/wire/keys.js'
import { kafkaForm } from '../src/brokers/kafka.js'
import { rabbitmqForm } from '../src/brokers/rabbitmq.js'
import { redisForm } from '../src/brokers/redis.js'

const word = fc.stringMatching(/^[A-Za-z0-9]{1,40}$/)
const name = fc
  .tuple(word, fc.array(fc.tuple(fc.constantFrom('.', '_', '-'), word), { maxLength: 3 }))
  .map(([first, rest]) => (first + rest.map((pair) => pair.join('')).join('')).slice(0, 100))
  .filter((text) => /[A-Za-z0-9]$/.test(text))

it('names of topics and groups are those that the adapters use', () => {
  fc.assert(
    fc.property(name, name, fc.option(name, { nil: undefined }), (topic, group, prefix) => {
      const kafka = createNames(prefix)
      expect(kafkaForm(prefix).channel(topic, undefined)?.binding).toMatchObject({ topic: kafka.topic(topic) })
      expect(kafkaForm(prefix).receive({ topic, group }).binding).toMatchObject({
        groupId: { enum: [kafka.group({ topic, group })] },
      })
      const rabbit = namespaceFor(prefix ?? 'mq')
      expect(rabbitmqForm(prefix).channel(topic, undefined)?.binding).toMatchObject({
        exchange: { name: rabbit.topic(topic) },
      })
      expect(rabbitmqForm(prefix).receive({ topic, group }).names).toEqual({ queue: rabbit.group({ topic, group }) })
      const redis = redisForm(prefix)
      expect(redis.channel(topic, undefined)?.names).toEqual({ stream: topicKeys(prefix ?? 'mq', topic).stream })
      for (const at of [undefined, 'orders', { stream: 'orders', field: 'body' }]) {
        const place = placeOf(prefix ?? 'mq', { topic, group, ...(at !== undefined && { at }) })
        expect(redis.receive({ topic, group, at }).names).toEqual({ consumerGroup: place.consumerGroup })
        expect(redis.channel(topic, at)?.names).toMatchObject({ stream: place.keys.stream })
      }
    }),
  )
})
