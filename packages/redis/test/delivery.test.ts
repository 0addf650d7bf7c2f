import { brokers, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { client, fail, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('redis'))('delivery', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('redis')).url
  })

  it('delivers every message once to every group', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const got: Record<string, number[]> = { billing: [], mailing: [] }
    for (const group of Object.keys(got)) {
      await queue.subscribe(topic, ({ data }) => void got[group]?.push(data as number), { group })
    }
    const numbers = Array.from({ length: 500 }, (_, number) => number)
    const results = await queue.publishAll(topic, numbers)
    expect(results.every(({ routed }) => routed === 'yes')).toBe(true)
    await until(() => Object.values(got).every((list) => list.length === 500), { what: 'all to be delivered' })
    for (const list of Object.values(got)) expect(list.sort((a, b) => a - b)).toEqual(numbers)
    await until(async () => (await queue.stats(topic, 'billing')).inFlight === 0, { what: 'all to be settled' })
    expect(await queue.stats(topic, 'billing')).toMatchObject({
      ready: 0,
      inFlight: 0,
      delayed: 0,
      retrying: 0,
      dead: 0,
    })
  })

  it('retries, dead-letters and replays an entry of another program with thousands of fields, and handles the next one', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const seen: unknown[] = []
    let isBroken = true
    await queue.subscribe(
      topic,
      ({ data }) => {
        seen.push(data)
        if (isBroken && data === 'large') fail()
      },
      { concurrency: 1, retry: { attempts: 2, delayMs: 20 } },
    )
    const many = Array.from({ length: 5_000 }, (_, number) => [`header:h${number}`, String(number)]).flat()
    await (await client(url)).xadd(`mq:{${topic}}:stream`, '*', ...many, 'data', '"large"')
    await until(async () => (await queue.stats(topic)).dead === 1, { what: 'the dead letter' })
    const [letter] = await queue.deadLetters(topic).list()
    expect(letter).toMatchObject({ data: 'large', message: { headers: { h0: '0', h999: '999' } } })
    isBroken = false
    expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: 1 })
    await queue.publish(topic, 'small')
    await until(() => seen.length === 4, { what: 'both' })
    expect(seen.slice(0, 2)).toEqual(['large', 'large'])
    expect(seen.slice(2).sort()).toEqual(['large', 'small'])
  })

  it('retries never early, and finally dead-letters the message unchanged', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const runs: { attempt: number; at: number }[] = []
    await queue.subscribe(
      topic,
      ({ attempt }) => {
        runs.push({ attempt, at: performance.now() })
        fail()
      },
      { retry: { attempts: 3, delayMs: 200, backoff: 'fixed' } },
    )
    await queue.publish(topic, { a: 1 }, { id: 'one', key: 'k', headers: { tenant: 'Ü' } })
    await until(async () => (await queue.stats(topic)).dead === 1, { what: 'the dead letter' })
    expect(runs.map((run) => run.attempt)).toEqual([1, 2, 3])
    for (const [index, run] of runs.entries()) {
      const before = runs[index - 1]
      if (before !== undefined) expect(run.at - before.at).toBeGreaterThanOrEqual(200)
    }
    const [letter] = await queue.deadLetters(topic).list()
    expect(letter).toMatchObject({ data: { a: 1 }, message: { id: 'one', key: 'k', headers: { tenant: 'Ü' } } })
    expect(letter?.failure).toMatchObject({ reason: 'error', attempts: 3, error: { message: 'broken' } })
    expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: 1 })
    await until(() => runs.length === 6, { what: 'the replayed message to fail again' })
    await until(async () => (await queue.stats(topic)).dead === 1, { what: 'the dead letter' })
    expect(await queue.deadLetters(topic).purge()).toEqual({ purged: 1 })
    expect((await queue.stats(topic)).dead).toBe(0)
  })

  it('delivers a delayed message in time', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const got: [unknown, number][] = []
    await queue.subscribe(topic, ({ data }) => void got.push([data, performance.now()]))
    const sent: Record<string, { before: number; after: number }> = {}
    for (const [name, delayMs] of [
      ['later', 1_500],
      ['soon', 500],
      ['now', 0],
    ] as const) {
      const before = performance.now() + delayMs
      await queue.publish(topic, name, { delayMs })
      sent[name] = { before, after: performance.now() + delayMs }
    }
    await until(() => got.length === 3, { what: 'all three' })
    expect(got.map(([data]) => data)).toEqual(['now', 'soon', 'later'])
    for (const [name, at] of got) {
      expect(at).toBeGreaterThanOrEqual(sent[name as string]?.before ?? Number.POSITIVE_INFINITY)
      expect(at).toBeLessThan((sent[name as string]?.after ?? 0) + queue.capabilities.delayResolutionMs)
    }
  })

  it('stores a second publish with the same id once', async () => {
    const queue = await open(url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await queue.publish(topic, 1, { id: 'same' })
    await queue.publish(topic, 2, { id: 'same' })
    await queue.publish(topic, 3, { id: 'same', delayMs: 1_000 })
    expect(await queue.stats(topic)).toMatchObject({ ready: 1, inFlight: 0, delayed: 0, retrying: 0, dead: 0 })
  })

  it('writes entries that any program can read, and reads those of other programs', async () => {
    const queue = await open(url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await queue.publish(topic, { a: 1 }, { id: 'one', key: 'k', headers: { tenant: 'x' } })
    const other = await client(url)
    const [entry] = await other.xrange(`mq:{${topic}}:stream`, '-', '+')
    const fields = entry?.[1] ?? []
    const found = Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]]] : [])))
    expect(found).toMatchObject({
      specversion: '1.0',
      id: 'one',
      type: topic,
      datacontenttype: 'application/json',
      partitionkey: 'k',
      'header:tenant': 'x',
      data: '{"a":1}',
    })
    const theirs = await other.xadd(`mq:{${topic}}:stream`, '*', 'data', '{"b":2}')
    const got: unknown[] = []
    await queue.subscribe(topic, ({ id, data }) => void got.push([id, data]))
    await until(() => got.length === 2, { what: 'both' })
    expect(got).toEqual([
      ['one', { a: 1 }],
      [theirs, { b: 2 }],
    ])
  })
})
