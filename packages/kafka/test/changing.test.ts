import type { Queue, WaitingMessage } from '@mq/core'
import { brokers, type Child, child, shared, until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { WorkerReport } from './children/worker.js'
import { newTopic, open } from './support/open.js'
import { committedOffsets, outsideClient, withAdmin } from './support/outside.js'

const workerModule = new URL('./children/worker.ts', import.meta.url)

const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `m-${index}`)

const publish = (
  queue: Queue,
  { topic, ids, delayMs }: { readonly topic: string; readonly ids: readonly string[]; readonly delayMs?: number },
) => queue.publishAll(topic, ids, { id: (_, index) => ids[index] ?? '', key: (_, index) => ids[index] ?? '', delayMs })

/** Lists all messages of one state. */
async function waitingOf(queue: Queue, topic: string, state: 'ready' | 'delayed' | 'retrying') {
  const found: WaitingMessage[] = []
  let after: string | undefined
  do {
    const { items, next } = await queue.waiting(topic, 'g').list({ state, limit: 1_000, after })
    found.push(...items)
    after = next
  } while (after !== undefined)
  return found
}

const entriesOf = (messages: readonly WaitingMessage[]): readonly string[] => messages.map(({ entryId }) => entryId)

describe.skipIf(!brokers.wanted('kafka'))('a message that is removed', () => {
  it('never runs in other processes, of which one is killed meanwhile, and all others run', {
    timeout: 120_000,
  }, async () => {
    const { url } = await shared('kafka')
    const { queue } = await open({ partitions: 12 })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const join = async (): Promise<Child<WorkerReport>> => {
      const worker = await child<WorkerReport>(workerModule, { args: [url, topic] })
      await worker.waitFor((reports) => reports.length > 0, { what: 'a worker to join', timeoutMs: 40_000 })
      return worker
    }
    const [killed, survivor] = await Promise.all([join(), join()])
    await queue.pauseGroup(topic, 'g')
    await publish(queue, { topic, ids: numbered(300) })
    const waiting = queue.waiting(topic, 'g')
    const listed = await waitingOf(queue, topic, 'ready')
    const portion = (index: number) => listed.filter((_, place) => place % 3 === index)
    expect(await waiting.remove(entriesOf(portion(0)))).toEqual({ removed: 100 })
    await killed.kill()
    // Half of the partitions have no owner before the session of the killed one has ended.
    expect(await waiting.remove(entriesOf(portion(1)))).toEqual({ removed: 100 })
    expect(await waiting.remove(entriesOf(portion(1)))).toEqual({ removed: 0 })
    await queue.resumeGroup(topic, 'g')
    const handled = (): readonly string[] =>
      survivor.reported().flatMap((one) => (one.type === 'handled' ? [one.id] : []))
    const isOver = async (): Promise<boolean> => {
      const { ready, inFlight } = await queue.stats(topic, 'g')
      return ready === 0 && inFlight === 0
    }
    await until(isOver, { what: 'the end', timeoutMs: 30_000 })
    expect([...handled()].sort()).toEqual(
      portion(2)
        .map(({ message }) => message.id)
        .sort(),
    )
    await survivor.stop()
  })

  it('never runs while a consumer joins at the same time, and is counted by one of two callers', {
    timeout: 60_000,
  }, async () => {
    const [{ queue }, { queue: other }, { queue: consumer }] = [await open(), await open(), await open()]
    const race = async (): Promise<void> => {
      const topic = newTopic()
      await queue.declareGroup(topic, 'g')
      await publish(queue, { topic, ids: numbered(8) })
      const entries = entriesOf(await waitingOf(queue, topic, 'ready'))
      const runs: string[] = []
      const subscribing = consumer.subscribe(topic, ({ id }) => void runs.push(id))
      const removing = [queue, other].map((one) => one.waiting(topic, 'g').remove(entries))
      const [mine, theirs] = await Promise.all(removing)
      await subscribing
      const isOver = async (): Promise<boolean> => {
        const { ready, inFlight } = await queue.stats(topic, 'g')
        return ready === 0 && inFlight === 0
      }
      await until(isOver, { what: 'the end', timeoutMs: 20_000 })
      expect(runs.length + (mine?.removed ?? 0) + (theirs?.removed ?? 0)).toBe(8)
    }
    await Promise.all([race(), race(), race(), race(), race(), race()])
  })

  it('stays removed beyond what fits beside an offset, whoever owns its partition', { timeout: 60_000 }, async () => {
    const { queue } = await open()
    const topic = newTopic()
    const first = await queue.subscribe(topic, () => {})
    // More than a consumer holds back in memory.
    const ids = numbered(2_400)
    await publish(queue, { topic, ids, delayMs: 600_000 })
    const isMoved = async (): Promise<boolean> =>
      (await withAdmin(await shared('kafka'), (admin) => admin.fetchTopicOffsets(`${topic}--g---retry`))).some(
        ({ high }) => high === String(ids.length),
      )
    await until(isMoved, { what: 'all to be copied', timeoutMs: 20_000 })
    await until(async () => (await queue.stats(topic, 'g')).delayed === ids.length, { what: 'the commit' })
    const entries = entriesOf(await waitingOf(queue, topic, 'delayed'))
    const odd = entries.filter((_, index) => index % 2 === 1)
    expect(await queue.waiting(topic, 'g').remove(odd)).toEqual({ removed: odd.length })
    expect(await queue.waiting(topic, 'g').remove(odd)).toEqual({ removed: 0 })
    await first.stop()
    expect(entriesOf(await waitingOf(queue, topic, 'delayed')).length).toBe(odd.length)
    const runs: string[] = []
    await queue.subscribe(topic, ({ id }) => void runs.push(id))
    const even = entries.filter((_, index) => index % 2 === 0)
    expect(await queue.waiting(topic, 'g').runNow(even)).toEqual({ readied: even.length })
    await until(() => runs.length >= even.length, { what: 'the others to run', timeoutMs: 20_000 })
    await until(async () => (await queue.stats(topic, 'g')).delayed === 0, { what: 'nothing to wait' })
    expect(new Set(runs).size).toBe(even.length)
    expect(runs.length).toBe(even.length)
  })

  it('is known by its name after it has gone on to another partition', async () => {
    const { queue } = await open()
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    for (const id of ['a', 'b']) await queue.publish(topic, id, { id, delayMs: 600_000 })
    const before = entriesOf(await waitingOf(queue, topic, 'delayed'))
    const runs: string[] = []
    await queue.subscribe(topic, ({ id }) => void runs.push(id))
    const delayed = { topic: `${topic}---delay`, group: `${topic}--g` }
    const isMoved = async (): Promise<boolean> => {
      const offsets = await withAdmin(await shared('kafka'), (admin) =>
        admin.fetchOffsets({ groupId: delayed.group, topics: [delayed.topic] }),
      )
      return offsets[0]?.partitions[0]?.offset === '2'
    }
    await until(isMoved, { what: 'both to have gone on' })
    expect(entriesOf(await waitingOf(queue, topic, 'delayed'))).toEqual(before)
    const [first, second] = before
    expect(await queue.waiting(topic, 'g').remove([first ?? ''])).toEqual({ removed: 1 })
    expect(await queue.waiting(topic, 'g').runNow([first ?? '', second ?? ''])).toEqual({ readied: 1 })
    await until(() => runs.length === 1, { what: 'the other one to run' })
    expect(await waitingOf(queue, topic, 'delayed')).toEqual([])
  })

  it('runs after all if no consumer has answered, because the request is taken back', { timeout: 90_000 }, async () => {
    const { queue } = await open()
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await queue.publish(topic, 1, { id: 'm' })
    const [entry = ''] = entriesOf(await waitingOf(queue, topic, 'ready'))
    // A member of the group that does not know what it is asked.
    const stranger = outsideClient(await shared('kafka')).consumer({ groupId: `${topic}--g`, sessionTimeout: 6_000 })
    onTestFinished(() => stranger.disconnect())
    await stranger.connect()
    await stranger.subscribe({ topics: [`${topic}---delay`] })
    await stranger.run({ eachMessage: async () => {} })
    const isIn = async (): Promise<boolean> => (await queue.groups(topic)).items[0]?.consumers === 1
    await until(isIn, { what: 'the stranger to join', timeoutMs: 20_000 })
    const waiting = queue.waiting(topic, 'g')
    await expect(waiting.remove([entry])).rejects.toMatchObject({
      code: 'MQ_TIMEOUT',
      message: expect.stringContaining('whether 1 messages were removed is not known'),
    })
    await stranger.disconnect()
    const runs: string[] = []
    await queue.subscribe(topic, ({ id }) => void runs.push(id))
    await until(() => runs.length === 1, { what: 'the message to run', timeoutMs: 20_000 })
  })
})

describe.skipIf(!brokers.wanted('kafka'))('a message that is made ready while its group has no consumer', () => {
  it('is listed as ready, and keeps its attempt and its failure', async () => {
    const { queue } = await open()
    const topic = newTopic()
    const failing = await queue.subscribe(
      topic,
      () => {
        throw new Error('try later')
      },
      { retry: { delayMs: 600_000 } },
    )
    await queue.publish(topic, 1, { id: 'm' })
    await until(async () => (await waitingOf(queue, topic, 'retrying')).length === 1, { what: 'the retry' })
    await failing.stop()
    const waiting = queue.waiting(topic, 'g')
    const entries = entriesOf(await waitingOf(queue, topic, 'retrying'))
    expect(await waiting.runNow(entries)).toEqual({ readied: 1 })
    expect(await waiting.runNow(entries)).toEqual({ readied: 0 })
    expect(await waitingOf(queue, topic, 'retrying')).toEqual([])
    const [ready, ...others] = await waitingOf(queue, topic, 'ready')
    expect({ attempt: ready?.attempt, failure: ready?.failure?.error.message, others }).toEqual({
      attempt: 2,
      failure: 'try later',
      others: [],
    })
    const runs: number[] = []
    await queue.subscribe(topic, ({ attempt }) => void runs.push(attempt))
    await until(() => runs.length === 1, { what: 'the run' })
    await until(async () => (await committedOffsets(await shared('kafka'), { topic, group: 'g' })) === 1, {
      what: 'its commit',
    })
    const { ready: left, delayed } = await queue.stats(topic, 'g')
    expect({ runs, left, delayed }).toEqual({ runs: [2], left: 0, delayed: 0 })
  })
})
