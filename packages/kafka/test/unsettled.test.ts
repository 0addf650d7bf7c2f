import { brokers, shared, until } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { subscribeMortal } from './support/mortal.js'
import { newTopic, type Opened, open } from './support/open.js'
import { committedOffsets, createTopics, withAdmin } from './support/outside.js'

/** Takes the group's topic of retries or of dead letters away, so that nothing can be written there. Returns what brings it back. */
async function takeAway(topic: string, kind: 'retry' | 'dead'): Promise<() => Promise<void>> {
  const server = await shared('kafka')
  const name = `${topic}--g---${kind}`
  await withAdmin(server, async (admin) => {
    await admin.deleteTopics({ topics: [name] })
    // The broker answers before it knows itself that the topic is gone.
    await until(async () => !(await admin.listTopics()).includes(name), { what: `${name} to be gone` })
  })
  return () => createTopics(server, [{ topic: name, numPartitions: kind === 'retry' ? 7 : 2 }])
}

/** Opens a queue that creates no topics, beside those of a new group. */
async function openFixed(topic: string): Promise<Opened> {
  await (await open({ partitions: 1 })).queue.declareGroup(topic, 'g')
  return await open({ createTopics: false })
}

describe.skipIf(!brokers.wanted('kafka'))('a message whose handler has failed', () => {
  const kinds = [
    { kind: 'retry', attempts: 2 },
    { kind: 'dead', attempts: 1 },
  ] as const

  /** Lets a message fail whose retry or dead letter cannot be written, beside another message that is handled. */
  async function failing({ kind, attempts }: (typeof kinds)[number]) {
    const topic = newTopic()
    const runs: string[] = []
    const subscribe = ({ queue }: Opened) =>
      queue.subscribe(
        topic,
        ({ data, attempt }) => {
          runs.push(`${data}.${attempt}`)
          if (data === 'bad' && runs.filter((run) => run.startsWith('bad')).length === 1) throw new Error('no')
        },
        { concurrency: 2, retry: { attempts, backoff: 'fixed', delayMs: 0 } },
      )
    const opened = await openFixed(topic)
    await subscribe(opened)
    const bringBack = await takeAway(topic, kind)
    await opened.queue.publish(topic, 'bad')
    await opened.queue.publish(topic, 'good')
    const isKnown = async (): Promise<boolean> => {
      const { ready, inFlight } = await opened.queue.stats(topic, 'g')
      return runs.length === 2 && ready === 0 && inFlight === 1
    }
    await until(isKnown, { what: 'the good one alone to be finished', timeoutMs: 10_000 })
    const committed = async (): Promise<number> => await committedOffsets(await shared('kafka'), { topic, group: 'g' })
    expect(await committed()).toBe(0)
    return { ...opened, topic, runs, subscribe, committed, bringBack }
  }

  it.each(kinds)('is finished once it is stored in the $kind topic, and not before', async (which) => {
    const { queue, topic, runs, committed, bringBack } = await failing(which)
    await bringBack()
    await until(async () => (await committed()) === 2, { what: 'both to be finished', timeoutMs: 20_000 })
    const letters = await queue.deadLetters(topic, 'g').list()
    const isRetried = which.kind === 'retry'
    if (isRetried) await until(() => runs.includes('bad.2'), { what: 'the retry' })
    expect(letters.map(({ data }) => data)).toEqual(isRetried ? [] : ['bad'])
  })

  it.each(kinds)(
    'belongs to the next consumer if its own one stops before it is stored in the $kind topic',
    async (which) => {
      const { queue, topic, runs, subscribe, committed, bringBack } = await failing(which)
      await queue.disconnect({ timeoutMs: 500 })
      expect(await committed()).toBe(0)
      await bringBack()
      await subscribe(await openFixed(topic))
      await until(() => runs.length === 3, { what: 'the next run' })
      expect(runs.slice().sort()).toEqual(['bad.1', 'bad.1', 'good.1'])
    },
  )
})

describe.skipIf(!brokers.wanted('kafka'))('a dead letter', () => {
  it('whose replay cannot be written stays, and is replayed once it can', async () => {
    const topic = newTopic()
    const { queue } = await openFixed(topic)
    const { letters, handled, heal } = await subscribeMortal(queue, topic)
    await queue.publish(topic, 'dead')
    await until(async () => (await letters.list()).length === 1, { what: 'the dead letter', timeoutMs: 10_000 })
    heal()
    const bringBack = await takeAway(topic, 'retry')
    await expect(letters.replay()).rejects.toThrow(/missing/)
    expect((await letters.list()).map(({ data }) => data)).toEqual(['dead'])
    await bringBack()
    expect(await letters.replay()).toEqual({ replayed: 1 })
    await until(() => handled.length === 1, { what: 'the replay' })
    expect(await letters.list()).toEqual([])
  })
})
