import { describe, expect, it } from 'vitest'
import { CommandError } from '../src/connection/errors.js'
import type { Link } from '../src/connection/link.js'
import { deadLetterStore } from '../src/dead-letters.js'
import { placeOf } from '../src/wire/keys.js'

/** A link to no server, which answers with nothing except by the functions given. */
const linkWith = (answers: Partial<Pick<Link, 'send' | 'run'>>): Link => ({
  open: async () => {},
  isUp: true,
  isClosed: false,
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
      run: async (_script, _keys, args) => {
        calls += 1
        if (calls === 2) throw new CommandError('refused', new Error('READONLY You can not write'))
        return args.filter((id) => left.delete(id)).length
      },
    })
    return deadLetterStore(placeOf('mq', { topic: 't', group: 'g' }), { link, timeoutMs: 1_000 })
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
        run: async (_script, _keys, args) => {
          const found = args.filter((arg) => wanted.includes(String(arg)))
          asked.push(...args.map(String))
          return found.length
        },
      })
      const largest = '18446744073709551615'
      const wanted = ['1-0', `${largest}-${largest}`, '18446744073709551000-7']
      const others = ['18446744073709551616-0', `1-${largest}0`, '1', 'x-1', '-1-0', '']
      const store = deadLetterStore(placeOf('mq', { topic: 't', group: 'g' }), { link, timeoutMs: 1_000 })
      expect(await store[verb]([...others, ...wanted])).toBe(3)
      expect(asked.filter((arg) => others.includes(arg))).toEqual([])
    },
  )
})

describe('the list of dead letters', () => {
  it('ends at a number of bytes, of whatever fields, and never reads many large entries at once', async () => {
    const field = Buffer.alloc(8 * 2 ** 20, 1)
    const counts: number[] = []
    let next = 1
    const link = linkWith({
      send: async (_command, args) => {
        const count = Number(args.at(-1))
        counts.push(count)
        return Array.from({ length: count }, () => [Buffer.from(`${next++}-0`), [Buffer.from('header:x'), field]])
      },
    })
    const store = deadLetterStore(placeOf('mq', { topic: 't', group: 'g' }), { link, timeoutMs: 1_000 })
    expect(await store.list({ limit: 1_000 })).toHaveLength(8)
    expect(counts[0]).toBeLessThanOrEqual(8)
    expect(counts.slice(1).every((count) => count === 1)).toBe(true)
  })
})
