import type { MqError } from '@mq/core'
import { brokers, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { CommandError } from '../src/connection/errors.js'
import type { Link } from '../src/connection/link.js'
import { superviseLoop } from '../src/consume/loop.js'
import { decodeEntry } from '../src/wire/entry.js'
import { client, newTopic, open } from './support/open.js'

describe('an entry that another program wrote', () => {
  const fields = (texts: (string | Buffer)[]): Buffer[] => texts.map((text) => Buffer.from(text as string))

  it('never makes the decoder throw, whatever its values do', () => {
    const hostile = Object.assign(Buffer.from('x'), {
      toString: () => {
        throw new RangeError('Invalid string length')
      },
    })
    for (const all of [
      [Buffer.from('data'), Buffer.from('1'), Buffer.from('id'), hostile],
      [Buffer.from('other'), hostile],
    ]) {
      const { message, decodeError, attempt } = decodeEntry({ id: '7-1', fields: all }, 't')
      expect(decodeError).toMatchObject({ code: 'MQ_UNDECODABLE', cause: expect.any(RangeError) })
      expect(message).toMatchObject({ id: expect.stringMatching(/^(7-1|x)$/), type: 't' })
      expect(attempt).toBe(1)
    }
  })

  it('shows only the beginning of an entry without data', () => {
    const value = Buffer.alloc(95 * 2 ** 20, 1)
    const { message, decodeError } = decodeEntry({ id: '7-1', fields: fields(['blob', value, 'more', 'seen']) }, 't')
    expect(decodeError?.message).toMatch(/no field 'data'/)
    expect(message.body.byteLength).toBeLessThan(64 * 1024)
    const shown = JSON.parse(Buffer.from(message.body).toString())
    expect(shown.more).toBe('seen')
    expect(shown.blob).toMatch(/\(99614720 bytes\)$/)
    for (const name in message.extensions) expect(message.extensions[name]?.length).toBeLessThan(2_000)
  })

  it('shows only some of very many fields', () => {
    const many = Array.from({ length: 50_000 }, (_, number) => `field-${number}`)
    const { message } = decodeEntry({ id: '7-1', fields: fields(many) }, 't')
    expect(message.body.byteLength).toBeLessThan(64 * 1024)
    expect(() => JSON.parse(Buffer.from(message.body).toString())).not.toThrow()
  })
})

describe('a loop', () => {
  const link: Link = {
    open: async () => {},
    isUp: true,
    isClosed: false,
    isCluster: false,
    generation: 1,
    whenUp: async () => {},
    send: async () => [],
    run: async () => [],
    close: () => {},
  }
  const parts = {
    link,
    room: { free: 1, changed: async () => {} },
    accept: () => {},
    recover: async () => false,
  }

  it('reports an error that nothing expected, once, and goes on', async () => {
    const errors: MqError[] = []
    let rounds = 0
    const loop = superviseLoop({
      ...parts,
      onError: (error) => errors.push(error),
      intake: {
        next: async (steps) => {
          steps.push('taking')
          rounds += 1
          if (rounds < 4) throw new RangeError('Invalid string length')
          await new Promise((resolve) => setTimeout(resolve, 5))
        },
      },
    })
    await until(() => rounds > 4, { what: 'more rounds' })
    loop.stop()
    await loop.ended
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ code: 'MQ_OPERATION_FAILED', cause: expect.any(RangeError) })
    expect(errors[0]?.message).toMatch(/Invalid string length/)
  })

  it('pauses for longer and longer while one thing fails, although another one succeeds', async () => {
    const errors: MqError[] = []
    let failures = 0
    let isNext = false
    const loop = superviseLoop({
      ...parts,
      onError: (error) => errors.push(error),
      intake: {
        next: async (steps) => {
          isNext = !isNext
          steps.push(isNext ? 'recovering' : 'taking')
          if (isNext) return
          failures += 1
          throw new CommandError('refused', new Error('ERR user_script:1 broken'))
        },
      },
    })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(loop.isRunning()).toBe(false)
    loop.stop()
    await loop.ended
    expect(failures).toBeLessThan(10)
    expect(errors).toHaveLength(1)
  })
})

describe.skipIf(!brokers.wanted('redis'))('hostile entries at the broker', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('redis')).url
  })

  it('a huge entry without data becomes a dead letter, is listed, and holds nothing up', {
    timeout: 60_000,
  }, async () => {
    const topic = newTopic()
    const queue = await open(url, { redis: { visibilityMs: 30_000 } })
    const other = await client(url)
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await other.xadd(`mq:{${topic}}:stream`, '*', 'blob', Buffer.alloc(20 * 2 ** 20, 1))
    await queue.publish(topic, 'after')
    await until(() => seen.length === 1, { what: 'the message behind it', timeoutMs: 25_000 })
    await until(async () => (await queue.stats(topic)).dead === 1, { what: 'the dead letter', timeoutMs: 25_000 })
    const letters = []
    for await (const letter of await queue.deadLetters(topic).list()) letters.push(letter)
    expect(letters).toHaveLength(1)
    expect(letters[0]?.message.body.byteLength).toBeLessThan(64 * 1024)
    await queue.deadLetters(topic).purge()
  })

  it.each([
    [
      'of the group',
      'due',
      [Buffer.from([0xd9, 0xff, 0x41]), Buffer.from([0x90]), Buffer.from([0xa1, 0x61]), Buffer.from('')],
    ],
    [
      'of the topic',
      'delayed',
      [Buffer.from([0xc1]), Buffer.from([0xa1, 0x61, 0x80]), Buffer.from([0xa1, 0x61, 0xc0])],
    ],
  ])('broken fields of delayed messages %s are dead letters, and the others arrive', async (_, which, broken) => {
    const topic = newTopic()
    const queue = await open(url)
    const other = await client(url)
    const errors: unknown[] = []
    queue.on('error', (event) => errors.push(event))
    const seen: unknown[] = []
    const key = which === 'due' ? `mq:{${topic}}:group:g:due` : `mq:{${topic}}:delayed`
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    const adding = other.multi()
    for (const [index, bytes] of broken.entries()) {
      adding.hset(`${key}:data`, `b${index}`, bytes)
      adding.zadd(key, 1, `b${index}`)
    }
    await adding.exec()
    await queue.publish(topic, 'sound', { delayMs: 50 })
    await until(() => seen.length === 1, { what: 'the sound one' })
    await until(async () => (await queue.stats(topic)).dead === broken.length, { what: 'the dead letters' })
    expect((await queue.stats(topic)).delayed).toBe(0)
    const letters = []
    for await (const letter of await queue.deadLetters(topic).list()) letters.push(letter)
    expect(letters[0]).toMatchObject({ failure: { reason: 'undecodable', error: { code: 'MQ_UNDECODABLE' } } })
    expect(errors).toEqual([])
    // A replay of what cannot be read brings it back here.
    expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: broken.length })
    await until(async () => (await queue.stats(topic)).dead === broken.length, { what: 'the dead letters again' })
  })

  it('lanes that name no entry are freed, and their group goes on', async () => {
    const topic = newTopic()
    const queue = await open(url)
    const lanes = `mq:{${topic}}:group:g:lanes`
    const other = await client(url)
    const errors: unknown[] = []
    queue.on('error', (event) => errors.push(event))
    await other.hset(lanes, 'a', 'nonsense', 'b', '', 'c', 'm1-', 'd', 'r99999999999999999999999-0', 'e', 'm\u0000')
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await until(async () => errors.length > 0 || (await other.hlen(lanes)) === 0, { what: 'the lanes to be freed' })
    expect(errors).toEqual([])
    await queue.publish(topic, 'after')
    await until(() => seen.length === 1, { what: 'the message behind them' })
  })
})
