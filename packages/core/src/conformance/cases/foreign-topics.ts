import assert from 'node:assert/strict'
import { defineForeignTopic, type ForeignPlace, isMqError } from '../../index.js'
import type { Chapter } from '../kit/case.js'
import { untilDead } from '../kit/dead-group.js'
import { range } from '../kit/expect.js'
import type { Kit } from '../kit/kit.js'
import { attemptsOf, patience } from '../kit/timing.js'

/** Creates the places of this case, one of each kind that the broker has, and a topic for each. */
async function places(kit: Kit) {
  const made = await kit.faults.foreignPlaces(kit.topic().replaceAll('.', '_'))
  return made.map((at, index) => ({ at, topic: defineForeignTopic(kit.topic(`own${index}`), { at, decode: 'bytes' }) }))
}

const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('hex')

/** Names a place of the same kind that nobody has created. */
function missing(at: ForeignPlace): ForeignPlace {
  if (typeof at === 'string') return `${at}_missing`
  if ('exchange' in at) return { ...at, exchange: `${at.exchange}_missing` }
  return { ...at, stream: `${at.stream}_missing` }
}

/** One place of each kind that any broker has. */
const kinds: readonly ForeignPlace[] = ['any_name', { exchange: 'any', routingKey: '#' }, { stream: 'any', field: 'f' }]

/** Tests topics, queues and exchanges that other programs own, and that a subscription reads as they are. */
export const foreignTopics: Chapter = {
  name: 'foreign topics',
  cases: [
    {
      id: 'FTO-1',
      title: 'a foreign place is read under its own name: bytes as they are, with an id and a time',
      promises: [2, 21],
      level: 'optional',
      needs: ['foreignPlaces', 'writeForeign'],
      // There may be several places.
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        for (const { at, topic } of await places(kit)) {
          const collector = await kit.collect(queue, topic)
          const bodies = [Buffer.from([0xff, 0, 0x80]), Buffer.from('{"half":'), Buffer.from('"json"')]
          for (const body of bodies) await kit.faults.writeForeign(at, body)
          await kit.until('three messages', () => collector.handled.length >= 3)
          await kit.quiet(() => collector.runs.length)
          assert.deepEqual(collector.runs.map(({ data }) => hex(data)).sort(), bodies.map(hex).sort())
          assert.equal(new Set(collector.ids).size, 3, 'distinct ids of three foreign messages')
          for (const { message } of collector.runs) {
            const { topic: name, type, attempt } = message
            assert.deepEqual({ name, type, attempt }, { name: topic.name, type: topic.name, attempt: 1 })
            assert.ok(
              Math.abs(message.time.getTime() - Date.now()) < 60_000,
              `the time is ${message.time.toISOString()}`,
            )
          }
        }
      },
    },
    {
      id: 'FTO-2',
      title: 'retries, dead letters and replays of a foreign message stay with its group and keep its body and id',
      promises: [5, 6, 21],
      level: 'optional',
      needs: ['foreignPlaces', 'writeForeign'],
      // There may be several places.
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        for (const { at, topic } of await places(kit)) {
          let isBroken = true
          const collector = await kit.collect(queue, topic, {
            handler: () => {
              if (isBroken) throw new Error('broken on purpose')
            },
          })
          const body = Buffer.from([0xfe, 1, 2])
          await kit.faults.writeForeign(at, body)
          const [dead] = await untilDead(kit, queue, { topic, count: 1, ...patience(kit, 100, 2) })
          assert.ok(dead, 'the dead letter is not listed')
          assert.deepEqual([hex(dead.message.body), hex(dead.data)], [hex(body), hex(body)])
          isBroken = false
          assert.deepEqual(await queue.deadLetters(topic).replay(), { replayed: 1 })
          await kit.until('the replay to be handled', () => collector.handled.length >= 1)
          await kit.quiet(() => collector.runs.length)
          assert.deepEqual(attemptsOf(collector.runs), [1, 2, 3, 1])
          assert.deepEqual(new Set(collector.runs.map(({ id }) => id)), new Set([dead.message.id]))
        }
      },
    },
    {
      id: 'FTO-3',
      title: 'deleting a group leaves the foreign place and its messages to come to others',
      promises: [21],
      level: 'optional',
      needs: ['foreignPlaces', 'writeForeign'],
      // There may be several places.
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        for (const { at, topic } of await places(kit)) {
          const first = await kit.collect(queue, topic)
          await kit.faults.writeForeign(at, Buffer.from('first'))
          await kit.until('the first message', () => first.handled.length >= 1)
          await first.subscription.stop()
          await queue.deleteGroup(topic, 'g')
          const second = await kit.collect(queue, topic)
          for (const number of range(3)) await kit.faults.writeForeign(at, Buffer.from(`second ${number}`))
          await kit.until('the messages of the new group', () => second.handled.length >= 3)
          await kit.quiet(() => second.runs.length)
          const texts = second.runs.map(({ data }) => Buffer.from(data as Uint8Array).toString())
          assert.deepEqual(texts.sort(), ['second 0', 'second 1', 'second 2'])
        }
      },
    },
    {
      id: 'FTO-4',
      title: 'a foreign place that does not exist is refused and not created',
      promises: [21],
      level: 'optional',
      needs: ['foreignPlaces'],
      async run(kit) {
        const queue = await kit.queue()
        for (const [index, { at }] of (await places(kit)).entries()) {
          const topic = defineForeignTopic(kit.topic(`missing${index}`), { at: missing(at) })
          // The second try would find what the first one had created.
          for (const _ of range(2)) {
            await assert.rejects(
              queue.subscribe(topic, () => {}),
              { code: 'MQ_TOPIC_MISSING' },
            )
          }
        }
      },
    },
    {
      id: 'FTO-5',
      title: 'a kind of place that the broker does not have is refused by name',
      promises: [21],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        for (const [index, at] of kinds.entries()) {
          const topic = defineForeignTopic(kit.topic(`kind${index}`), { at })
          try {
            queue.capabilitiesOf(topic)
          } catch (error) {
            assert.ok(isMqError(error), `the error is no MqError: ${error}`)
            assert.equal(error.code, 'MQ_NOT_SUPPORTED')
            const name = typeof at === 'string' ? at : 'exchange' in at ? at.exchange : at.stream
            assert.ok(error.message.includes(name), `the place is not named: ${error.message}`)
            await assert.rejects(
              queue.subscribe(topic, () => {}),
              { code: 'MQ_NOT_SUPPORTED' },
            )
          }
        }
      },
    },
  ],
}
