import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  brokerName,
  isTask,
  maxNameLength,
  requireName,
  scheduleOfTopic,
  scheduleTopic,
  topicOf,
} from '../src/adapter.js'
import { defineEvent, defineTask } from '../src/index.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'

const word = fc.stringMatching(/^[A-Za-z0-9]{1,4}$/)
/** Made of few different pieces, so that names collide if any can. */
const name = fc
  .tuple(
    fc.constantFrom('a', 'b', 'q', '0'),
    fc.array(fc.tuple(fc.constantFrom('.', '_', '-'), fc.constantFrom('a', 'b', '0')), { maxLength: 4 }),
  )
  .map(([first, rest]) => first + rest.map(([joint, next]) => joint + next).join(''))
const longName = fc
  .tuple(word, fc.array(fc.tuple(fc.constantFrom('.', '_', '-'), word), { minLength: 15, maxLength: 19 }))
  .map(([first, rest]) => (first + rest.map(([joint, next]) => joint + next).join('')).slice(0, maxNameLength))
  .map((text) => text.replace(/[._-]$/, ''))
const parts = fc.oneof(
  { weight: 4, arbitrary: fc.array(name, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(longName, { minLength: 2, maxLength: 4 }) },
)

/** As Kafka compares names when it makes a topic. */
const kafkaForm = (text: string): string => text.replaceAll('.', '_')

describe('requireName', () => {
  it.each(['a', 'user.created', 'A-1_b.c', '0', 'x'.repeat(100)])('accepts %s', (text) => {
    expect(requireName(text, 'topic')).toBe(text)
  })

  it.each([
    '',
    ' ',
    'user created',
    '.a',
    'a.',
    'a..b',
    'a--b',
    'a._b',
    '_a',
    'a-',
    'user/created',
    'a:b',
    'a{b}',
    'a*',
    'a#',
    'naïve',
    'a\n',
    'a\r\nb',
    'a\u0000',
    '$SYS',
    '../../etc',
    '__proto__',
    'x'.repeat(101),
  ])('refuses %j and says which name it is about', async (text) => {
    const error = await mqErrorOf(() => requireName(text, 'topic'), 'MQ_INVALID_NAME')
    expect(error.message).toContain('topic')
    expect(error.message).not.toMatch(/[\r\n]/)
  })

  it.each([undefined, null, 5, {}, ['a']])('refuses %j with a TypeError', async (value) => {
    expect((await typeErrorOf(() => requireName(value, 'group'))).message).toContain('The group must be a string')
  })
})

describe('brokerName', () => {
  it('gives different lists different names, for Kafka too', () => {
    const seen = new Map<string, string>()
    fc.assert(
      fc.property(parts, (list) => {
        const key = JSON.stringify(list)
        const made = kafkaForm(brokerName(list))
        seen.set(made, seen.get(made) ?? key)
        return seen.get(made) === key
      }),
      { numRuns: 12_000 },
    )
    expect(seen.size).toBeGreaterThan(5_000)
  })

  it('uses at most 200 characters that every broker takes', () => {
    fc.assert(
      fc.property(parts, (list) => {
        return /^[A-Za-z0-9._-]{1,200}$/.test(brokerName(list))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is the same in every process: the names below are stored at brokers', () => {
    expect(brokerName(['q', 'user.created', 'welcome_mail'])).toBe('q--user.created--welcome-_mail')
    const long = brokerName(['q', 'a'.repeat(100), 'b_c'.repeat(33)])
    expect(long).toHaveLength(200)
    expect(long).toMatch(/^q--a{100}--[bc_-]+---[0-9a-f]{40}$/)
  })

  it('tells long lists apart that begin alike', () => {
    const topic = 'a'.repeat(100)
    const made = ['b', 'c'].map((last) => brokerName(['q', topic, `${'g'.repeat(99)}${last}`]))
    expect(new Set(made).size).toBe(2)
    // One character over the limit ends in the hash, one at the limit does not.
    expect(brokerName(['q', topic, 'b'.repeat(95)])).toBe(`q--${topic}--${'b'.repeat(95)}`)
    expect(brokerName(['q', topic, 'b'.repeat(96)])).toMatch(/---[0-9a-f]{40}$/)
  })
})

it('a target means the topic of its name, of its event or of its task', () => {
  const event = defineEvent('user.created')
  const task = defineTask({ name: 'resize', execute: () => 1 })
  expect(['plain', event, task].map((target) => [topicOf(target), isTask(target)])).toEqual([
    ['plain', false],
    ['user.created', false],
    ['task.resize', true],
  ])
})

it('a schedule is known by its topic', () => {
  expect(scheduleOfTopic(scheduleTopic('daily.report'))).toBe('daily.report')
  expect(['daily', 'schedules.daily', 'task.schedule.daily'].map(scheduleOfTopic)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})
