import { readFileSync } from 'node:fs'
import { createQueue, createScheduler, defineTask, Unrecoverable } from '@mq/core'
import { redis } from '@mq/redis'
import { brokers, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { inProcess } from './support/in-process.js'
import { mq } from './support/mq.js'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [steps = [], waiting = []] = [...readme.matchAll(/```console\n([\s\S]*?)```/g)].map(([, shown = '']) =>
  shown
    .split(/^\$ mq /m)
    .slice(1)
    .map((step) => ({ line: step.slice(0, step.indexOf('\n')), output: step.slice(step.indexOf('\n') + 1).trim() })),
)

/** Splits a line as a shell does, as far as the README needs it. */
const words = (line: string): readonly string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

/** Hides what differs from run to run. */
const masked = (text: string): string =>
  text
    .trim()
    .replace(/\n\nstack\n[\s\S]*$/, '')
    .replace(/\d{13}-\d+/g, 'ENTRY')
    .replace(/^\d+-\d+ /gm, 'ENTRY ')
    .replace(/ +\d+[mh]( \d+\w)? {2}/g, ' AGE  ')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/ +\d+(ms|s|m|h)( \d+\w)? {2}\{/g, ' AGE {')
    .replace(/ +\d+(ms|s|m|h)(?= )/g, ' AGE')
    .replace(/(Ms":)[1-9]\d*/g, '$1AGE')
    .replace(/ +/g, ' ')

describe('the README, on a broker that shows what waits', () => {
  it('shows what its commands print', async () => {
    const { queue, mq } = await inProcess({ retry: { delayMs: 3_600_000, jitter: 'none' } })
    await queue.subscribe('mail', () => {
      throw new Error('451 try again later')
    })
    await queue.publish('mail', { to: 'ada@example.com' }, { id: 'm-1' })
    await until(async () => (await queue.stats('mail')).retrying === 1, { what: 'the retry', timeoutMs: 10_000 })
    await queue.publish('mail', { to: 'bob@example.com' }, { id: 'm-2', delayMs: 3_600_000 })
    const scheduler = createScheduler(queue)
    onTestFinished(() => scheduler.stop({ timeoutMs: 0 }))
    const digest = defineTask({ name: 'digest', execute: () => null })
    await scheduler.schedule('digest', { cron: '0 3 * * *', timeZone: 'UTC' }, digest, null)
    await scheduler.start()
    expect(waiting.length).toBeGreaterThan(10)
    for (const { line, output } of waiting) {
      const args = words(line)
      const state = args[0] === 'run-now' ? 'retrying' : 'delayed'
      const at = args.findIndex((word) => /^\d+-\d+$/.test(word))
      // Entries have other names in each run.
      const [entry] = at < 0 ? [] : (await queue.waiting('mail').list({ state })).items
      const { code, stdout, stderr } = await mq(entry === undefined ? args : args.with(at, entry.entryId))
      expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: '' })
      expect(masked(stdout), line).toBe(masked(output))
      if (args[0] === 'run-now')
        await until(async () => (await queue.stats('mail')).retrying === 1, { what: 'the retry', timeoutMs: 10_000 })
    }
  })
})

describe.skipIf(!brokers.owned('redis'))('the README', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
    const write = (): void => {}
    const log = { debug: write, info: write, warn: write, error: write }
    const queue = createQueue(redis({ url: server.url }), { group: 'mailer', retry: false, log })
    await queue.connect()
    const subscription = await queue.subscribe(
      'mail',
      ({ data }) => {
        if ((data as { to: string }).to === 'junk') throw new Unrecoverable('not an address')
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
      },
      { concurrency: 1 },
    )
    for (const [id, to] of [
      ['m-1', 'ada@example.com'],
      ['m-2', 'bob@example.com'],
      ['m-3', 'junk'],
    ] as const) {
      await queue.publish('mail', { to }, { id })
    }
    await until(async () => (await queue.stats('mail')).dead === 3, { what: 'three deaths', timeoutMs: 20_000 })
    await subscription.stop()
    await queue.disconnect()
  })
  afterAll(() => server?.stop())

  it('shows what its commands print', async () => {
    expect(steps.length).toBeGreaterThan(5)
    for (const { line, output } of steps) {
      const args = words(line)
      // Entries have other names in each run.
      const at = args.findIndex((word) => /^\d{13}-\d+$/.test(word))
      const name = at < 0 ? undefined : await entryNamed(output)
      const { code, stdout, stderr } = await mq(name === undefined ? args : args.with(at, name), { url: server.url })
      expect({ line, code, stderr }).toEqual({ line, code: 0, stderr: '' })
      expect(masked(stdout), line).toBe(masked(output))
    }
  })

  async function entryNamed(output: string): Promise<string> {
    const [, id = ''] = /^id +(\S+)$/m.exec(output) ?? []
    const { stdout } = await mq(['dead', 'list', 'mail', 'mailer', '--where', `id=${id}`, '--json'], {
      url: server.url,
    })
    return JSON.parse(stdout)[0].entryId
  }
})
