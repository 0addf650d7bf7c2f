import * as fc from 'fast-check'
import { type Blob, bytesOf, hostileBlob } from '../../blob.js'
import { type Attack, type Generator, generator, type Written } from '../../hostile.js'
import type { RawRedis } from './command.js'
import { type KeyName, keysOf } from './keys.js'

/** What a broken entry of a set of delays holds: garbage, or MessagePack of other things than texts. */
const packed: fc.Arbitrary<Blob> = fc.oneof(
  hostileBlob(5_000),
  fc
    .constantFrom(
      'c1', // never used
      'c0', // nil
      'c3', // true
      '93010203', // an array
      '81a16101', // a map
      'db7fffffff61', // a text that claims 2 GiB
      'dcffff', // an array that claims 65,535
      'a16107', // a name and a number
      'a161', // a name without a value
      'cb7ff8000000000000a161', // NaN
      'a464617461a131', // data: 1, and well
    )
    .map((hex) => ({ hex })),
)

const scores = fc.constantFrom('0', '-inf', '1', '1e308', '-1e308', '0.5')

interface Waiting {
  readonly member: Blob
  readonly score: string
  readonly data: Blob | undefined
}

const waiting: fc.Arbitrary<Waiting> = fc.record({
  member: fc.oneof(
    hostileBlob(200),
    fc.integer({ min: 0, max: 99 }).map((number) => ({ text: String(number).padStart(16, '0') })),
  ),
  score: scores,
  data: fc.option(packed, { nil: undefined }),
})

/** Other values than lists of names and texts cannot become an entry again; where there are none, there is nothing. */
const isDue = ({ score }: Waiting): boolean => score !== '1e308'

const sabotaged = [
  'retry',
  'due',
  'dueData',
  'delayed',
  'delayedData',
  'ids',
  'groups',
  'listeners',
  'lanes',
  'seq',
  'dead',
  'stream',
] as const

const putAside = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end"
const spoilWithText = `${putAside} redis.call('SET', KEYS[1], 'x')`
const spoilWithList = `${putAside} redis.call('RPUSH', KEYS[1], 'x')`
const restore = `redis.call('DEL', KEYS[1]) if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end`

export function structureGenerators(raw: RawRedis): readonly Generator[] {
  const taken = new Set<string>()
  const wait =
    (set: 'due' | 'delayed', hash: 'dueData' | 'delayedData') =>
    async ({ member, score, data }: Waiting, { arena }: Attack): Promise<Written> => {
      const keys = keysOf(arena)
      const name = `${keys[set]} ${bytesOf(member).toString('hex')}`
      // A second one of the same name takes the place of the first.
      const isFirst = !taken.has(name)
      taken.add(name)
      if (data !== undefined) await raw.send('HSET', [keys[hash], member, data])
      await raw.send('ZADD', [keys[set], score, member])
      const fate = isFirst && data !== undefined && isDue({ member, score, data }) ? 'settled' : 'ignored'
      return { fate, names: [], bytes: 0, ...(data === undefined && { looksLost: true }) }
    }
  const list = <T>(one: fc.Arbitrary<T>, maxLength = 8) => fc.array(one, { minLength: 1, maxLength })
  const ordered = { ordered: true } as const

  return [
    generator({ name: 'redis/due', entries: list(waiting), write: wait('due', 'dueData') }),
    generator({ name: 'redis/delayed', entries: list(waiting), write: wait('delayed', 'delayedData') }),
    generator({
      name: 'redis/lane-structures',
      entries: list(
        fc.record({ key: fc.constantFrom('lanes', 'waiting', 'open'), one: hostileBlob(300), other: hostileBlob(300) }),
      ),
      arena: ordered,
      lingers: true,
      async write({ key, one, other }, { arena }) {
        const name = keysOf(arena)[key as KeyName]
        if (key === 'lanes') await raw.send('HSET', [name, one, other])
        else if (key === 'waiting') await raw.send('ZADD', [name, 0, one])
        else await raw.send('SADD', [name, one])
        return { fate: 'ignored', names: [], bytes: 0 }
      },
    }),
    generator({
      name: 'redis/registers',
      entries: list(
        fc.record({ key: fc.constantFrom('groups', 'deleted', 'listeners', 'ids', 'seq'), value: hostileBlob(300) }),
      ),
      lingers: true,
      async write({ key, value }, { arena }) {
        const name = keysOf(arena)[key as KeyName]
        if (key === 'groups' || key === 'deleted') await raw.send('HSET', [name, value, value])
        else if (key === 'listeners') await raw.send('ZADD', [name, 'inf', value])
        else if (key === 'ids') await raw.send('SADD', [name, value])
        // The largest number that a counter holds, and hardly any room to the next.
        else await raw.send('SET', [name, '9007199254740991'])
        return { fate: 'ignored', names: [], bytes: 0 }
      },
    }),
    generator({
      name: 'redis/wrong-type',
      entries: list(fc.record({ key: fc.constantFrom(...sabotaged), type: fc.constantFrom('string', 'list') }), 1),
      sabotages: true,
      async write({ key, type }, { arena }) {
        const name = keysOf(arena)[key as KeyName]
        const aside = `${name}:aside`
        // In one step each: what is only half there would be taken for what is gone.
        await raw.send('EVAL', [type === 'string' ? spoilWithText : spoilWithList, 2, name, aside])
        const undo = async (): Promise<void> => void (await raw.send('EVAL', [restore, 2, name, aside]))
        return { fate: 'ignored', names: [], bytes: 0, undo, ...(!isWatched(key) && { mayBeSilent: true }) }
      },
    }),
    generator({
      name: 'redis/claims',
      entries: list(
        fc.record({
          consumer: fc.constantFrom('~waiting', '__proto__', 'nobody', '\u001b[31m'),
          count: fc.constantFrom('0', '1', '9223372036854775807', '4000'),
          idle: fc.constantFrom('0', '100000000'),
        }),
      ),
      async write({ consumer, count, idle }, { arena, mark }) {
        const { stream } = keysOf(arena)
        const id = await raw.send('XADD', [stream, '*', 'data', '1', 'header:fuzzmark', mark])
        const claimed = [consumer, 0, String(id), 'IDLE', idle, 'RETRYCOUNT', count, 'FORCE', 'JUSTID']
        await raw.send('XCLAIM', [stream, arena.group, ...claimed])
        return { fate: 'settled', names: [mark, String(id)], bytes: 0 }
      },
    }),
  ]
}

/** A consumer asks for these all the time, so it has to say that it cannot. */
const isWatched = (key: string): boolean => ['retry', 'due', 'delayed', 'stream'].includes(key)
