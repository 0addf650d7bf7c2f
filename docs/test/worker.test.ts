import { openQueue } from '@mq/core'
import { brokers, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { build, type Program, start, stop } from './program.js'

const example = 'worker'
const runMs = 60_000

const matches = (programs: readonly Program[], pattern: RegExp): readonly string[] =>
  programs.flatMap((program) => [...program.output().matchAll(pattern)].map(([, found = '']) => found))

describe.skipIf(!brokers.wanted('redis'))('a worker with several tasks', () => {
  beforeAll(() => build(example))

  it(
    'finishes what runs at SIGTERM and ends with 0; the next worker does the rest, and nothing is done twice',
    async () => {
      const server = await shared('redis')
      // A database of its own: the demo has events and tasks of the same names, and its tests may run beside this one.
      const url = new URL('/9', server.url).href
      const first = start(example, { MQ_URL: url })
      await first.printed(/^ready$/m)

      const queue = await openQueue(url)
      const users = Array.from({ length: 6 }, (_, index) => ({
        userId: `${index}`,
        email: `${index === 0 ? 'greylisted' : 'user'}-${index}@example.com`,
        photo: index === 5 ? 'words.txt' : `photo-${index}.png`,
      }))
      await queue.publishAll('user.created', users)
      await queue.disconnect()

      await first.printed(/^failed send-email, attempt 1: Error: 451 try again later$/m)
      await first.printed(/^done send-email .*"greylisted-0@example.com","attempt":2/m)
      await first.printed(/^done count-users count-users@\d{4}-/m)
      await first.printed(/^done resize-photo/m)
      await stop(first)
      expect(first.output()).toMatch(/^stopped$/m)

      const second = start(example, { MQ_URL: url })
      await second.printed(/^ready$/m)
      const both = [first, second]
      await expect.poll(() => matches(both, /^done resize-photo (\S+)/gm).length, { timeout: 20_000 }).toBe(5)
      await expect.poll(() => matches(both, /^(gave up resize-photo .*)/gm).length, { timeout: 20_000 }).toBe(1)
      await stop(second)

      expect(matches([first], /^done resize-photo (\S+)/gm).length, 'left for the second worker').toBeLessThan(5)
      expect(matches(both, /"file":"([^"]+)"/g).toSorted()).toEqual([0, 1, 2, 3, 4].map((n) => `photo-${n}-64.png`))
      expect(matches(both, /"to":"([^"]+)"/g).toSorted()).toEqual(users.map(({ email }) => email).toSorted())
      expect(matches(both, /^(gave up .*)/gm)).toEqual([expect.stringMatching(/words\.txt is no picture$/)])
      const ticks = matches(both, /^done count-users (\S+)/gm)
      expect(new Set(ticks).size, 'each tick once').toBe(ticks.length)
    },
    runMs,
  )
})
