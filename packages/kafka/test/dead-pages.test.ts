import type { DeadLetters } from '@mq/core'
import { brokers, shared } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { newTopic, open } from './support/open.js'
import { withProducer } from './support/outside.js'

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)

/** Declares a group, and writes dead letters and what strikes some of them out: `null` in place of their data. */
async function lettersOf(entries: readonly (readonly [key: string, data: number | null])[]): Promise<DeadLetters> {
  const { queue } = await open({ partitions: 1 })
  const topic = newTopic()
  await queue.declareGroup(topic, 'g')
  await withProducer(await shared('kafka'), async (producer) => {
    for (let at = 0; at < entries.length; at += 10_000) {
      const messages = entries
        .slice(at, at + 10_000)
        .map(([key, data]) => ({ key, value: data === null ? null : String(data), partition: 0 }))
      await producer.send({ topic: `${topic}--g---dead`, messages })
    }
  })
  return queue.deadLetters(topic)
}

describe.skipIf(!brokers.wanted('kafka'))('pages of dead letters', () => {
  it('have each of 25,000 once, although some are struck out before or meanwhile', { timeout: 60_000 }, async () => {
    const count = 25_000
    const written = numbers(count).map((number) => [`k-${number}`, number] as const)
    // Of the first 10,000, which are watched together, fewer are left than a page has.
    const isStruckOut = (number: number): boolean => number < 9_800 || number % 2 === 1
    const struckOut = written.filter(([, number]) => isStruckOut(number)).map(([key]) => [key, null] as const)
    const letters = await lettersOf([...written, ...struckOut])
    const seen: unknown[] = []
    const sizes: number[] = []
    let after: string | undefined
    do {
      const page = await letters.page({ limit: 1_000, after })
      seen.push(...page.items.map(({ data }) => data))
      sizes.push(page.items.length)
      after = page.next
      // What has gone does not change the place of the next page.
      if (sizes.length === 1) await letters.purge([page.items.at(-1)?.entryId ?? '', 'k-24998'])
    } while (after !== undefined)
    expect(seen).toEqual(numbers(count).filter((number) => !isStruckOut(number) && number !== 24_998))
    expect(sizes.length).toBeLessThanOrEqual(14)
    expect(await letters.list({ where: ({ data }) => data === 24_996 })).toHaveLength(1)
  })

  it('have a message once that died twice, and refuse a page that no list has given', async () => {
    const letters = await lettersOf([
      ['twice', 1],
      ['gone', 2],
      ['once', 3],
      ['twice', 4],
      ['gone', null],
    ])
    const first = await letters.page({ limit: 1 })
    const second = await letters.page({ limit: 1, after: first.next })
    expect([first, second].map(({ items }) => items.map(({ entryId }) => entryId))).toEqual([['once'], ['twice']])
    expect(second.next).toBeUndefined()
    for (const after of ['', 'o', 'o-1', '5', 'no page']) {
      await expect(letters.page({ after })).rejects.toMatchObject({ code: 'MQ_INVALID_OPTION' })
    }
  })

  it('are empty for a group that has none', async () => {
    const { queue } = await open()
    expect(await queue.deadLetters(newTopic(), 'g').page()).toEqual({ items: [] })
  })
})
