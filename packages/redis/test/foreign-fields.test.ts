import { brokers, shared, until } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { createPortions } from '../src/consume/shared/portions.js'
import { decodeEntry, receivedEntries } from '../src/wire/entry.js'
import { client, newTopic, open } from './support/open.js'

const fields = (...texts: (string | Buffer)[]): Buffer[] => texts.map((text) => Buffer.from(text as string))
const idOf = (...texts: string[]): string => decodeEntry({ id: '7-1', fields: fields(...texts) }, 't').message.id

describe('the id of a message of another program', () => {
  it('stays as it is if the contract allows it', () => {
    for (const id of ['1', 'ünïcode ✓', 'a\tb', 'x'.repeat(255), '✓'.repeat(85)]) {
      expect(idOf('id', id, 'data', '1')).toBe(id)
    }
    expect(idOf('id', '', 'data', '1')).toBe('7-1')
  })

  it.each([
    ['too long', 'x'.repeat(2_000)],
    ['too long in bytes', '✓'.repeat(86)],
    ['too long with controls', '\u001b[2J\r\n'.repeat(400)],
    ['with escape codes', '\u001b[31mred\u001b[0m'],
    ['with a line break', 'one\r\nERROR two'],
    ['with a NUL', 'a\u0000b'],
    ['with a delete character', 'a\u007fb'],
  ])('is bounded, escaped, always the same and nobody else’s: %s', (_, id) => {
    for (const texts of [
      ['id', id, 'data', '1'],
      ['mq:entry', id, 'data', '1'],
      ['id', id],
      ['mq:entry', id],
      ['id', id, 'specversion', '7.0', 'data', '1'],
    ]) {
      const shown = idOf(...texts)
      expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(255)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
      expect(shown).not.toMatch(/[\u0000-\u001f\u007f\ufffd]/)
    }
    expect(idOf('id', id, 'data', '1')).toBe(idOf('id', id, 'data', '2'))
    expect(idOf('id', id, 'data', '1')).not.toBe(idOf('id', `${id}.`, 'data', '1'))
  })
})

describe('the size of an entry', () => {
  const big = Buffer.alloc(5 * 2 ** 20)
  it.each([
    ['a header', ['header:x', big, 'data', '1']],
    ['an attribute', ['subject', big, 'data', '1']],
    ['the body', ['data', big]],
    ['a field of an entry that cannot be decoded', ['other', big]],
    ['a name', [big, 'x', 'data', '1']],
    ['a second body', ['data', big, 'data', '1']],
  ])('counts the bytes of %s towards what is read at once', (_, texts) => {
    const portions = createPortions()
    const reply = [[Buffer.from('stream'), [[Buffer.from('7-1'), fields(...texts)]]]]
    portions.learn(receivedEntries(reply, 't', 0).owned)
    expect(portions.next(32)).toBe(1)
  })
})

describe.skipIf(!brokers.wanted('redis'))('the key of a message of another program', () => {
  const notUtf8 = Buffer.from([0x6b, 0xff, 0xfe])
  it.each([
    ['is not UTF-8', ['partitionkey', notUtf8]],
    ['comes twice', ['partitionkey', 'one', 'partitionkey', 'two']],
    ['comes twice, first as an empty text', ['partitionkey', '', 'partitionkey', 'two']],
    ['comes after the data', ['data', '0', 'partitionkey', 'late', 'partitionkey', 'later']],
  ])('that %s holds nothing up, on any path of an ordered group', async (_, key) => {
    const { url } = await shared('redis')
    const topic = newTopic()
    const queue = await open(url, { redis: { visibilityMs: 20_000 } })
    const other = await client(url)
    const seen: string[] = []
    let running = 0
    const keys = new Set<string | undefined>()
    await queue.subscribe(
      topic,
      async ({ data, attempt, key: found }) => {
        keys.add(found)
        expect(++running).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, 2))
        running -= 1
        seen.push(`${data}/${attempt}`)
        if (data === 3 && attempt === 1) throw new Error('again')
      },
      { ordered: true, concurrency: 4, retry: { attempts: 3, delayMs: 20 } },
    )
    const startedAt = performance.now()
    const adding = other.pipeline()
    for (let number = 0; number < 20; number++) {
      adding.xadd(`mq:{${topic}}:stream`, '*', ...(key as string[]), 'data', String(number))
    }
    await adding.exec()
    await until(() => seen.length === 21, { what: 'all of them', timeoutMs: 10_000 })
    expect(performance.now() - startedAt).toBeLessThan(8_000)
    expect(seen.filter((one) => one.endsWith('/1'))).toEqual(Array.from({ length: 20 }, (_, number) => `${number}/1`))
    expect(keys.size).toBe(1)
    await until(async () => (await queue.stats(topic)).inFlight === 0, { what: 'all to be settled' })
    expect(await other.exists(`mq:{${topic}}:group:g:lanes`)).toBe(0)
  })
})
