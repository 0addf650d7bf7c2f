import assert from 'node:assert/strict'
import type { Chapter } from '../kit/case.js'
import { idsOf, untilDead } from '../kit/dead-group.js'
import { range } from '../kit/expect.js'
import { untilStats } from '../kit/group-state.js'
import type { Kit } from '../kit/kit.js'
import { attemptsOf, patience } from '../kit/timing.js'
import { createGate } from '../kit/wait.js'

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const unreadable = [Buffer.from([0xff, 0x00, 0x80]), Buffer.from('<xml/>'), Buffer.from('{"half":')]

/** The room that a broker may have beyond `maxMessageBytes`, as far as these cases look for it. */
const roomBytes = 256 * 1024
/** How close they come to its end. */
const nearBytes = 16

/**
 * Publishes unreadable bytes of more and more bytes, and of fewer again, until they fill the room that the broker has for a message.
 * Returns what the broker took.
 */
async function fillRoom({ faults, capabilities, topic }: Kit): Promise<readonly Uint8Array[]> {
  const taken: Uint8Array[] = []
  const isTaken = async (bytes: number): Promise<boolean> => {
    const body = Buffer.alloc(bytes, 0xff)
    const wasTaken = await faults.publishForeign(topic(), body).then(
      () => true,
      () => false,
    )
    if (wasTaken) taken.push(body)
    return wasTaken
  }
  let fits = capabilities.maxMessageBytes
  let exceeds = fits + roomBytes
  if (!(await isTaken(fits)) || (await isTaken(exceeds))) return taken
  while (exceeds - fits > nearBytes) {
    const middle = Math.floor((fits + exceeds) / 2)
    if (await isTaken(middle)) fits = middle
    else exceeds = middle
  }
  return taken
}

/** Tests messages of programs that do not use this library. */
export const foreign: Chapter = {
  name: 'foreign messages',
  cases: [
    {
      id: 'FGN-1',
      title: 'a JSON body from another program is handled and has an id, a time and a topic',
      promises: [2],
      level: 'required',
      needs: ['publishForeign'],
      async run(kit) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic(), { group: 'g' })
        const other = await kit.collect(queue, kit.topic(), { group: 'other' })
        const startedAt = Date.now()
        for (const number of range(3)) await kit.faults.publishForeign(kit.topic(), json({ number, text: 'ünïcode ✓' }))
        await kit.until('three messages', () => collector.handled.length >= 3 && other.handled.length >= 3)
        await kit.quiet(() => collector.runs.length + other.runs.length)
        assert.equal(collector.runs.length + other.runs.length, 6, 'runs')
        assert.deepEqual(
          new Set(collector.runs.map(({ data }) => data)),
          new Set(range(3).map((number) => ({ number, text: 'ünïcode ✓' }))),
        )
        assert.equal(new Set(collector.ids).size, 3, 'distinct ids of three foreign messages')
        assert.equal(new Set(other.ids).size, 3, 'different ids')
        for (const { message } of collector.runs) {
          assert.ok(message.id.length > 0 && message.source.length > 0, 'the message has no id or no source')
          const { topic, type, attempt } = message
          assert.deepEqual({ topic, type, attempt }, { topic: kit.topic(), type: kit.topic(), attempt: 1 })
          assert.deepEqual({ ...message.headers }, {})
          // The broker's clock may differ from ours and count in seconds.
          const apart = Math.abs(message.time.getTime() - startedAt)
          assert.ok(apart < 60_000, `the time of the message is ${message.time.toISOString()}`)
        }
      },
    },
    {
      id: 'FGN-2',
      title: 'unreadable bytes from another program are dead letters with those bytes, and other messages are handled',
      promises: [6, 14],
      level: 'required',
      needs: ['publishForeign'],
      async run(kit) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic(), { concurrency: 1 })
        await queue.publish(kit.topic(), 'ours')
        for (const body of unreadable) await kit.faults.publishForeign(kit.topic(), body)
        await kit.faults.publishForeign(kit.topic(), json('theirs'))
        await queue.publish(kit.topic(), 'ours again')
        const dead = await untilDead(kit, queue, { topic: kit.topic(), count: 3 })
        await kit.until('the readable messages', () => collector.handled.length >= 3)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(collector.runs.map(({ data }) => data).sort(), ['ours', 'ours again', 'theirs'])
        const hex = (body: Uint8Array): string => Buffer.from(body).toString('hex')
        assert.deepEqual(dead.map(({ message }) => hex(message.body)).sort(), unreadable.map(hex).sort())
        assert.equal(new Set(idsOf(dead)).size, 3)
        for (const { failure } of dead) {
          const { reason, attempts } = failure
          assert.deepEqual({ reason, attempts }, { reason: 'undecodable', attempts: 0 })
        }
      },
    },
    {
      id: 'FGN-3',
      title: 'a foreign message keeps its body, generated id and time through retries, its dead letter and a replay',
      promises: [5, 6, 14],
      level: 'required',
      needs: ['publishForeign'],
      async run(kit) {
        const queue = await kit.queue()
        let isBroken = true
        const collector = await kit.collect(queue, kit.topic(), {
          handler: () => {
            if (isBroken) throw new Error('broken on purpose')
          },
        })
        const body = Buffer.from('{ "spaced" :  "ünïcode ✓" }')
        await kit.faults.publishForeign(kit.topic(), body)
        const [dead] = await untilDead(kit, queue, { topic: kit.topic(), count: 1, ...patience(kit, 100, 2) })
        assert.ok(dead, 'the dead letter is not listed')
        assert.equal(Buffer.from(dead.message.body).toString(), body.toString())
        isBroken = false
        assert.deepEqual(await queue.deadLetters(kit.topic()).replay(), { replayed: 1 })
        await kit.until('the replay to be handled', () => collector.handled.length >= 1)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(attemptsOf(collector.runs), [1, 2, 3, 1])
        for (const { message } of collector.runs) {
          assert.deepEqual(message.data, { spaced: 'ünïcode ✓' })
          assert.equal(message.id, dead.message.id)
          assert.equal(message.time.getTime(), Date.parse(dead.message.time))
        }
      },
    },
    {
      id: 'FGN-4',
      title: 'unreadable bytes from another program cost no other message its run or an attempt, and health stays up',
      promises: [4, 6, 10],
      level: 'required',
      needs: ['publishForeign'],
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        const states: string[] = []
        queue.on('state', ({ state }) => states.push(state))
        const gate = createGate()
        const handler = () => gate.opened
        const attacked = await kit.collect(queue, kit.topic(), { handler })
        const innocent = await kit.collect(queue, kit.topic('innocent'), { handler })
        await queue.publishAll(kit.topic(), [1, 2, 3])
        await queue.publishAll(kit.topic('innocent'), [1, 2, 3])
        await kit.until('six handlers to run', () => attacked.running === 3 && innocent.running === 3)
        for (const body of unreadable) await kit.faults.publishForeign(kit.topic(), body)
        await untilDead(kit, queue, { topic: kit.topic(), count: unreadable.length })
        await queue.publish(kit.topic(), 'later')
        await kit.until('a later message', () => attacked.running === 4)
        const { status, consumers } = queue.health()
        assert.deepEqual(
          { status, consumers: consumers.map((one) => one.status) },
          { status: 'up', consumers: ['consuming', 'consuming'] },
        )
        gate.open()
        await kit.until('all to be handled', () => attacked.handled.length >= 4 && innocent.handled.length >= 3)
        await kit.quiet(() => attacked.runs.length + innocent.runs.length)
        assert.deepEqual(
          { attacked: attemptsOf(attacked.runs), innocent: attemptsOf(innocent.runs) },
          { attacked: [1, 1, 1, 1], innocent: [1, 1, 1] },
        )
        const isAborted = [...attacked.runs, ...innocent.runs].some(({ signal }) => signal.aborted)
        assert.equal(isAborted, false, 'the signal of a handler aborted')
        assert.deepEqual(states, [], 'changes of the state')
      },
    },
    {
      id: 'FGN-5',
      title: 'unreadable bytes that fill the room for a message are a dead letter, and hold up no later message',
      promises: [6],
      level: 'required',
      needs: ['publishForeign'],
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic(), { concurrency: 1 })
        const taken = await fillRoom(kit)
        const { id } = await queue.publish(kit.topic(), 'later')
        const dead = await untilDead(kit, queue, { topic: kit.topic(), count: taken.length })
        await kit.until('the later message', () => collector.ids.includes(id))
        assert.equal(dead.length, taken.length)
        const sizes = taken.map(({ byteLength }) => byteLength).sort((one, other) => one - other)
        const lengths = dead.map(({ message }) => message.body.byteLength).sort((one, other) => one - other)
        for (const [index, { failure, message }] of dead.entries()) {
          assert.equal(failure.reason, 'undecodable')
          // A dead letter is larger than its message. If the broker does not take it, only the beginning can be kept.
          assert.ok((lengths[index] ?? 0) <= (sizes[index] ?? 0), `${lengths} bytes were kept of ${sizes}`)
          assert.ok(message.body.byteLength > 0 && message.body.every((byte) => byte === 0xff), 'other bytes are kept')
        }
        await untilStats(kit, queue, { topic: kit.topic(), dead: taken.length })
        assert.equal(queue.health().status, 'up')
      },
    },
  ],
}
