import { brokers, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { client, fail, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('redis'))('the sets of delayed messages', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('redis')).url
  })

  /** What another program may take for the next members: a counter, in several ways of writing it. */
  const counted = Array.from({ length: 40 }, (_, number) => number).flatMap((number) => [
    String(number).padStart(16, '0'),
    String(number),
  ])
  /** The fields `data: "theirs"` as MessagePack strings. */
  const theirs = Buffer.concat([Buffer.from('a464617461', 'hex'), Buffer.from([0xa8]), Buffer.from('"theirs"')])

  it('keep a retry although another program writes members whose names are counted', async () => {
    const queue = await open(url)
    const other = await client(url)
    const topic = newTopic()
    const due = `mq:{${topic}}:group:g:due`
    const runs: string[] = []
    let theirsCount = 0
    const handler = ({ data, attempt }: { data: unknown; attempt: number }): void => {
      if (data === 'theirs') {
        theirsCount += 1
        return
      }
      runs.push(`${data} ${attempt}`)
      if (attempt === 1) fail()
    }
    await queue.subscribe(topic, handler, { concurrency: 20, retry: { attempts: 3, delayMs: 1_500 } })
    await queue.publishAll(topic, ['a', 'b', 'c'])
    await until(async () => (await other.zcard(due)) === 3, { what: 'three retries to wait' })
    for (const member of counted) {
      await other.hset(`${due}:data`, member, theirs)
      await other.zadd(due, 0, member)
    }
    await until(() => theirsCount === counted.length, { what: 'the others to be handled' })
    await until(() => runs.length === 6, { what: 'the retries' })
    expect(runs.sort()).toEqual(['a 1', 'a 2', 'b 1', 'b 2', 'c 1', 'c 2'])
    expect(await queue.stats(topic)).toMatchObject({ delayed: 0, dead: 0 })
  })

  it('take nothing from another program, whatever names it has chosen before', async () => {
    const queue = await open(url)
    const other = await client(url)
    const topic = newTopic()
    const due = `mq:{${topic}}:group:g:due`
    const seen: string[] = []
    const handler = ({ data, attempt }: { data: unknown; attempt: number }): void => {
      seen.push(`${data} ${attempt}`)
      if (data === 'ours' && attempt === 1) fail()
    }
    const at = Date.now() + 2_500
    for (const member of counted) {
      await other.hset(`${due}:data`, member, theirs)
      await other.zadd(due, at, member)
    }
    await queue.subscribe(topic, handler, { concurrency: 20, retry: { attempts: 3, delayMs: 50 } })
    await queue.publish(topic, 'ours')
    await until(() => seen.length === counted.length + 2, { what: 'all of them' })
    expect(seen.filter((one) => one === 'theirs 1')).toHaveLength(counted.length)
    expect(seen.filter((one) => one.startsWith('ours'))).toEqual(['ours 1', 'ours 2'])
  })

  it.each(['9007199254740991', '9223372036854775807', 'no number'])(
    'keep every delayed message and every retry apart when the counter holds %s',
    async (value) => {
      const queue = await open(url)
      const other = await client(url)
      const topic = newTopic()
      const seen: string[] = []
      await queue.subscribe(
        topic,
        ({ data, attempt }) => {
          seen.push(`${data} ${attempt}`)
          if (attempt === 1) fail()
        },
        { concurrency: 20, retry: { attempts: 3, delayMs: 300 } },
      )
      await other.set(`mq:{${topic}}:seq`, value)
      for (const name of ['a', 'b', 'c']) await queue.publish(topic, name, { delayMs: 200 })
      await until(() => seen.length === 6, { what: 'all runs' })
      expect(seen.sort()).toEqual(['a 1', 'a 2', 'b 1', 'b 2', 'c 1', 'c 2'])
    },
  )

  it('hand out messages of the same delay in the order in which they were stored', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const numbers = Array.from({ length: 100 }, (_, number) => number)
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data), { concurrency: 1 })
    await queue.publishAll(topic, numbers, { delayMs: 500 })
    await until(() => seen.length === 100, { what: 'all of them' })
    expect(seen).toEqual(numbers)
  })

  it.each([
    ['a retry of a group', 'group'],
    ['a delayed message of the topic', 'topic'],
    ['a delayed message of a topic that has only an ephemeral subscription', 'ephemeral'],
  ])('report %s whose fields are gone', async (_, kind) => {
    const queue = await open(url)
    const other = await client(url)
    const topic = newTopic()
    const losses: { readonly topic: string; readonly reason: string; readonly count?: number }[] = []
    queue.on('data-loss', (event) => losses.push(event))
    // Two that are due at different times may be reported one after the other.
    const lost = (): number => losses.reduce((sum, { count = 0 }) => sum + count, 0)
    const seen: unknown[] = []
    await queue.subscribe(
      topic,
      ({ data, attempt }) => {
        seen.push(data)
        if (kind === 'group' && data !== 'last' && attempt === 1) fail()
      },
      { ephemeral: kind === 'ephemeral', concurrency: 5, ...(kind === 'group' && { retry: { delayMs: 400 } }) },
    )
    const set = kind === 'group' ? `mq:{${topic}}:group:g:due` : `mq:{${topic}}:delayed`
    await queue.publishAll(topic, [1, 2], kind === 'group' ? {} : { delayMs: 400 })
    await until(async () => (await other.zcard(set)) === 2, { what: 'two to wait' })
    await other.del(`${set}:data`)
    await until(() => lost() >= 2, { what: 'the report' })
    for (const loss of losses) expect(loss).toMatchObject({ topic, reason: expect.stringMatching(/fields/) })
    await queue.publish(topic, 'last')
    await until(() => seen.at(-1) === 'last', { what: 'the next message' })
    expect(lost()).toBe(2)
    expect(queue.health().status).toBe('up')
  })
})
