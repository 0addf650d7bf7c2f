import { brokers, shared } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { CommandError } from '../src/connection/errors.js'
import type { Link } from '../src/connection/link.js'
import { script } from '../src/connection/script.js'
import { deadLetterStore } from '../src/dead-letters.js'
import { placeOf } from '../src/wire/keys.js'
import { idsScript, listScript, replayScript } from '../src/wire/scripts/dead.js'
import { moveDue } from '../src/wire/scripts/lua.js'
import { client, newTopic, open } from './support/open.js'

/** A link to no server, which answers with nothing except by the functions given. */
const linkWith = (answers: Partial<Pick<Link, 'send' | 'run'>>): Link => ({
  open: async () => {},
  isUp: true,
  isClosed: false,
  isCluster: false,
  generation: 1,
  whenUp: async () => {},
  send: async () => [],
  run: async () => [],
  close: () => {},
  ...answers,
})

describe('dead letters', () => {
  const ids = Array.from({ length: 150 }, (_, number) => `${number + 1}-0`)

  /** A store that removes the entries it is given, but refuses the second page once, as after a failover. */
  function store() {
    const left = new Set<unknown>(ids)
    let calls = 0
    const link = linkWith({
      run: async (script, _keys, args) => {
        calls += 1
        if (calls === 2) throw new CommandError('refused', new Error('READONLY You can not write'))
        const count = args.filter((id) => left.delete(id)).length
        return script === replayScript ? [count, args.length] : count
      },
    })
    return deadLetterStore(placeOf('mq', { topic: 't', group: 'g' }), { link, timeoutMs: 1_000, report: () => {} })
  }
  it.each(['replay', 'purge'] as const)('counts the pages before one that had to be repeated: %s', async (verb) => {
    expect(await store()[verb](ids)).toBe(150)
  })
})

describe('an entry of the dead letters', () => {
  it.each(['replay', 'purge'] as const)(
    'is found by any id that Redis has, and no other text is asked for: %s',
    async (verb) => {
      const asked: string[] = []
      const link = linkWith({
        run: async (script, _keys, args) => {
          const found = args.filter((arg) => wanted.includes(String(arg)))
          asked.push(...args.map(String))
          return script === replayScript ? [found.length, args.length] : found.length
        },
      })
      const largest = '18446744073709551615'
      const wanted = ['1-0', `${largest}-${largest}`, '18446744073709551000-7']
      const others = ['18446744073709551616-0', `1-${largest}0`, '1', 'x-1', '-1-0', '']
      const store = deadLetterStore(placeOf('mq', { topic: 't', group: 'g' }), {
        link,
        timeoutMs: 1_000,
        report: () => {},
      })
      expect(await store[verb]([...others, ...wanted])).toBe(3)
      expect(asked.filter((arg) => others.includes(arg))).toEqual([])
    },
  )
})

describe.skipIf(!brokers.wanted('redis'))('large dead letters', () => {
  /** Two of these are more than a script handles in one run. */
  const large = Buffer.alloc(3 * 2 ** 20, 1)

  async function sixLarge() {
    const topic = newTopic()
    const { url } = await shared('redis')
    const [queue, other] = [await open(url), await client(url)]
    await queue.declareGroup(topic, 'g')
    const { keys } = placeOf('mq', { topic, group: 'g' })
    const ids: string[] = []
    for (let n = 0; n < 6; n++) ids.push(String(await other.xadd(keys.dead, '*', 'data', large)))
    return { queue, topic, other, keys, ids }
  }

  it('are listed, replayed and moved a few megabytes at a time', async () => {
    const { queue, topic, other, keys, ids } = await sixLarge()
    expect(await other.eval(listScript.source, 1, keys.dead, '-', 100)).toHaveLength(2)
    expect(await other.eval(idsScript.source, 1, keys.dead, '-', '+', 100)).toEqual(ids.slice(0, 2))
    expect(await queue.deadLetters(topic).list({ limit: 5 })).toHaveLength(5)
    expect(await other.eval(replayScript.source, 3, keys.dead, keys.due, keys.dueData, ...ids)).toEqual([2, 2])
    expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: 4 })
    const move = script(`${moveDue}\nreturn move_due(KEYS[1], KEYS[2], KEYS[3], ARGV[1], 100)`)
    await other.eval(move.source, 3, keys.due, keys.dueData, keys.retry, Date.now() + 1_000)
    expect(await other.xlen(keys.retry)).toBe(2)
    expect(await other.zcard(keys.due)).toBe(4)
  })

  it('end a list at a number of bytes, of whatever fields, and an event says so', async () => {
    const { queue, topic, other, keys } = await sixLarge()
    const errors: string[] = []
    queue.on('error', ({ error }) => errors.push(error.message))
    for (let n = 0; n < 20; n++) await other.xadd(keys.dead, '*', 'header:x', large, 'data', '1')
    expect(await queue.deadLetters(topic).list({ limit: 5 })).toHaveLength(5)
    expect(errors).toEqual([])
    expect(await queue.deadLetters(topic).list({ limit: 1_000 })).toHaveLength(22)
    expect(errors).toEqual([expect.stringMatching(/has 22 of 26 entries: a list ends at 64 MiB/)])
  })

  it('hide no others if only their beginning can be shown', async () => {
    const { queue, topic, other, keys } = await sixLarge()
    for (let n = 0; n < 2; n++) await other.xadd(keys.dead, '*', 'other', Buffer.alloc(70 * 2 ** 20, 1))
    await other.xadd(keys.dead, '*', 'data', '1')
    expect(await queue.deadLetters(topic).list({ limit: 100 })).toHaveLength(9)
  })

  it('are listed in pages to the last one, and a page that no list has given is refused', async () => {
    const { url } = await shared('redis')
    const [queue, other, topic] = [await open(url), await client(url), newTopic()]
    await queue.declareGroup(topic, 'g')
    const dead = `mq:{${topic}}:group:g:dead`
    for (let number = 0; number < 250; number++) await other.xadd(dead, '*', 'data', String(number))
    const letters = queue.deadLetters(topic)
    const seen: unknown[] = []
    const sizes: number[] = []
    for (let after: string | undefined; ; ) {
      const page = await letters.page({ limit: 125, after })
      seen.push(...page.items.map(({ data }) => data))
      sizes.push(page.items.length)
      after = page.next
      if (after === undefined) break
      // What has gone does not change the place of the next page.
      await letters.purge([page.items.at(-1)?.entryId ?? ''])
    }
    expect(seen).toEqual(Array.from({ length: 250 }, (_, number) => number))
    expect(sizes).toEqual([125, 125])
    for (const after of ['', 'no page', '1-1-1']) {
      await expect(letters.page({ after })).rejects.toMatchObject({ code: 'MQ_INVALID_OPTION' })
    }
  })
})
