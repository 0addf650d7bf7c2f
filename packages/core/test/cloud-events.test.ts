import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attributesOf, emptyHeaders, messageFromAttributes } from '../src/adapter.js'
import { isShortText } from '../src/contract/names.js'
import type { RawMessage } from '../src/index.js'
import { rawMessage } from './support/deliveries.js'
import { mqErrorOf } from './support/errors.js'

const content = { headers: emptyHeaders, body: Buffer.from('{}') }
const defaults = { id: 'entry-7', topic: 'user.created', timeMs: Date.parse('2026-05-06T07:08:09.000Z') }

/** A text that no control character makes unfit to be shown. */
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 50 })
  .filter((one) => !/[\p{Cc}\u2028\u2029]/u.test(one) && Buffer.byteLength(one) <= 255)
const extensionName = fc
  .stringMatching(/^[a-z0-9]{1,20}$/)
  .filter((name) => !/^(specversion|id|source|type|time|datacontenttype|partitionkey)$/.test(name))
const anyMessage: fc.Arbitrary<RawMessage> = fc
  .record(
    {
      id: text,
      source: text,
      type: text,
      time: fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') })
        .map((date) => date.toISOString()),
      contentType: text,
      key: text,
      extensions: fc.dictionary(extensionName, fc.string()),
    },
    { requiredKeys: ['id', 'source', 'type', 'time', 'extensions'] },
  )
  .map((attributes) => ({ ...rawAttributes(attributes), headers: emptyHeaders, body: content.body }))

const rawAttributes = (attributes: Partial<RawMessage>): RawMessage => {
  const { contentType: _, ...base } = rawMessage()
  return { ...base, ...attributes }
}

describe('attributesOf and messageFromAttributes', () => {
  it('give every message back as it was', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(messageFromAttributes(attributesOf(message), content, defaults)).toEqual(message)
      }),
    )
  })

  it.each([
    [1.7e18, '9999-12-31T23:59:59.999Z'],
    [-1e17, '0000-01-01T00:00:00.000Z'],
    [Number.NaN, '1970-01-01T00:00:00.000Z'],
  ])('take the default time %d, which is no date, for the nearest one', (timeMs, time) => {
    expect(messageFromAttributes({}, content, { ...defaults, timeMs }).time).toBe(time)
  })

  it('use the names and the version of the specification', () => {
    const extensions = { traceparent: '00-abc-def-01' }
    expect(attributesOf(rawMessage({ key: 'k', extensions }))).toEqual({
      specversion: '1.0',
      id: 'm-1',
      source: '/test',
      type: 'user.created',
      time: '2026-01-02T03:04:05.678Z',
      datacontenttype: 'application/json',
      partitionkey: 'k',
      traceparent: '00-abc-def-01',
    })
  })

  it('never let an extension stand in for an attribute', () => {
    expect(attributesOf(rawMessage({ extensions: { id: 'forged', specversion: '9' } }))).toMatchObject({
      id: 'm-1',
      specversion: '1.0',
    })
  })
})

describe('messageFromAttributes', () => {
  it('accepts a message that another program wrote without any attributes', () => {
    expect(messageFromAttributes({}, content, defaults)).toEqual({
      id: 'entry-7',
      source: '/unknown',
      type: 'user.created',
      time: '2026-05-06T07:08:09.000Z',
      extensions: {},
      ...content,
    })
  })

  it.each(['', 'yesterday', 'T25:00'])('takes the time of the broker for the time %j', (time) => {
    expect(messageFromAttributes({ time }, content, defaults).time).toBe('2026-05-06T07:08:09.000Z')
  })

  it.each(['1.0', '1.1', '1.99'])('reads version %s', (specversion) => {
    expect(messageFromAttributes({ specversion, id: 'a' }, content, defaults).id).toBe('a')
  })

  it.each(['', '0.3', '2.0', '10.0', '1', '1.0\n', 'x'])('refuses version %j', async (specversion) => {
    await mqErrorOf(() => messageFromAttributes({ specversion }, content, defaults), 'MQ_UNDECODABLE')
  })

  it.each([
    ['too long', 'x'.repeat(2_000)],
    ['too long in bytes', '✓'.repeat(86)],
    ['too long and cut within a character', `a${'👋'.repeat(400)}`],
    ['too long with controls', '\u001b[2J\r\n'.repeat(400)],
    ['with escape codes', '\u001b[31mred\u001b[0m'],
    ['with the escape code of Latin-1', '\u009b31mred'],
    ['with a line break', 'one\r\nERROR two'],
    ['with a NUL', 'a\u0000b'],
    ['with half of a surrogate pair', 'a\ud800b'],
  ])('bounds and escapes an id of another program, always alike: %s', (_, id) => {
    const idOf = (given: string, fallback = 'entry-7'): string =>
      messageFromAttributes({ id: given }, content, { ...defaults, id: fallback }).id
    for (const made of [idOf(id), idOf('', id)]) {
      expect(isShortText(made)).toBe(true)
      expect(made).not.toMatch(/\p{Cc}|\ufffd~/u)
      expect(made).toBe(idOf(id))
    }
    expect(idOf(id)).not.toBe(idOf(`${id}.`))
    expect(idOf(idOf(id))).toBe(idOf(id))
  })

  it('keeps two ids apart that only half of a surrogate pair tells apart', () => {
    const [one, other] = ['\ud800', '\ud801'].map((id) => messageFromAttributes({ id }, content, defaults).id)
    expect(one).not.toBe(other)
  })

  it('keeps an id that a publish takes', () => {
    for (const id of ['1', 'ünïcode ✓', 'a\tb', 'x'.repeat(255), '✓'.repeat(85)]) {
      expect(messageFromAttributes({ id }, content, defaults).id).toBe(id)
    }
  })

  it('bounds and escapes the source, the type and the time as well', () => {
    const hostile = '\u001b[31m\nforged '.repeat(900)
    const time = `2026-05-06T07:08:09Z (${hostile.replaceAll(/[()]/g, '')})`
    const made = messageFromAttributes({ source: hostile, type: hostile, time }, content, defaults)
    for (const part of [made.source, made.type, made.time]) {
      expect(Buffer.byteLength(part)).toBeLessThanOrEqual(1_024)
      expect(part).not.toMatch(/\p{Cc}/u)
    }
    expect(made.source).toMatch(/^\\u001b\[31m\\u000aforged /)
    expect(made.time).toBe('2026-05-06T07:08:09.000Z')
    const kept = { source: 'ünïcode/✓', type: 'x'.repeat(1_024), time: '2026-05-06T07:08:09.123456+02:00' }
    expect(messageFromAttributes(kept, content, defaults)).toMatchObject(kept)
  })

  it('keeps unknown attributes as extensions and passes over names that are none', () => {
    const attributes = JSON.parse('{"tracestate":"a=1","With-Dash":"b","__proto__":"c","empty":"","constructor":"d"}')
    const { extensions } = messageFromAttributes(attributes, content, defaults)
    expect({ ...extensions }).toEqual({ tracestate: 'a=1', empty: '', constructor: 'd' })
    expect(Object.getPrototypeOf(extensions)).toBeNull()
    expect(Object.isFrozen(extensions)).toBe(true)
  })
})
