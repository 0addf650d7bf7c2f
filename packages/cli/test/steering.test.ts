import { createScheduler, defineTask } from '@mq/core'
import { until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { inProcess } from './support/in-process.js'
import { obeyed } from './support/mq.js'

/** Splits a line of a table into its cells. */
const cells = (line: string | undefined): readonly string[] => (line ?? '').split(/ {2,}/)

/** Ids of other programs may have control characters, as a terminal obeys, and any length. */
const hostile = `\u202e\u200b${'x'.repeat(240)}`

describe('mq topics', () => {
  it('lists topics, part by part, for people and for programs', async () => {
    const { queue, mq, json } = await inProcess()
    expect(await mq(['topics'])).toEqual({ code: 0, stdout: '', stderr: 'mq: there are no topics\n' })
    for (const topic of ['a', 'b', 'c']) await queue.declareGroup(topic, 'g')
    expect(await mq(['topics'])).toEqual({ code: 0, stdout: 'TOPIC\na\nb\nc\n', stderr: '' })
    expect(await mq(['topics', '--limit', '2'])).toEqual({
      code: 0,
      stdout: 'TOPIC\na\nb\n',
      stderr: 'mq: there are more; add --after b\n',
    })
    expect(await json(['topics', '--limit', '2'])).toEqual({ topics: ['a', 'b'], next: 'b' })
    expect(await json(['topics', '--after', 'b'])).toEqual({ topics: ['c'], next: null })
  })

  it('lists more than a call gives', async () => {
    const { queue, json } = await inProcess()
    for (let n = 0; n < 1_100; n++) await queue.declareGroup(`t${n}`, 'g')
    const { topics, next } = await json<{ topics: readonly string[]; next: null }>(['topics', '--limit', '5000'])
    expect([topics.length, new Set(topics).size, next]).toEqual([1_100, 1_100, null])
  })
})

describe('mq groups', () => {
  it('lists the groups of a topic, ephemeral and paused ones as such', async () => {
    const { queue, mq, json } = await inProcess()
    await queue.subscribe('mail', () => {})
    await queue.subscribe('mail', () => {}, { ephemeral: true })
    await queue.declareGroup('mail', 'audit')
    await queue.pauseGroup('mail', 'audit', { by: 'Ada\u202e' })
    const { stdout } = await mq(['groups', 'mail'])
    const [head, ...rows] = stdout.trimEnd().split('\n')
    expect(cells(head)).toEqual(['GROUP', 'CONSUMERS', 'KIND', 'PAUSED'])
    const shown = new Map(rows.map((row) => [cells(row)[0], cells(row).slice(1)]))
    expect(shown.get('mailer')).toEqual(['1', 'lasting', '-'])
    expect(shown.get('audit')).toEqual(['0', 'lasting', expect.stringMatching(/^since .*Z by Ada\\u202e$/)])
    expect(obeyed(stdout)).toEqual([])
    const { groups, next } = await json<{ groups: readonly { group: string }[]; next: null }>(['groups', 'mail'])
    expect(groups).toContainEqual({ group: 'mailer', consumers: 1, ephemeral: false, paused: null })
    expect(groups.find(({ group }) => group === 'audit')).toMatchObject({
      paused: { by: 'Ada\u202e', since: expect.stringMatching(/Z$/) },
    })
    expect([groups.length, next]).toEqual([3, null])
  })

  it('ends with 3 for a topic without groups, and with 2 for a name that no topic has', async () => {
    const { mq } = await inProcess()
    const nothing = { code: 3, stdout: '', stderr: "mq: The topic 'nothing' has no group\n" }
    expect(await mq(['groups', 'nothing'])).toEqual(nothing)
    const { code, stderr } = await mq(['groups', 'orders of \u001b[2Jtoday'])
    expect({ code, obeyed: obeyed(stderr) }).toEqual({ code: 2, obeyed: [] })
    expect(stderr).toContain('orders of')
  })
})

describe('mq waiting', () => {
  it('lists messages of each state, and takes none', async () => {
    const { queue, mq, json } = await inProcess({ retry: { delayMs: 60_000, jitter: 'none' } })
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    onTestFinished(() => release())
    const fail = async ({ id }: { readonly id: string }): Promise<void> => {
      if (id === 'slow') await gate
      throw new Error('\u001b[31mtry later')
    }
    const running = await queue.subscribe('mail', fail, { concurrency: 2 })
    await queue.publish('mail', { to: 'ada' }, { id: hostile })
    await queue.publish('mail', 'runs', { id: 'slow' })
    await until(async () => (await queue.stats('mail')).retrying === 1, { what: 'the retry', timeoutMs: 5_000 })
    await queue.publish('mail', null, { id: 'later', delayMs: 3_600_000 })
    const retrying = await mq(['waiting', 'mail', '--state', 'retrying'], { env: { MQ_GROUP: 'mailer' } })
    expect(retrying).toMatchObject({ code: 0, stderr: '' })
    const [head, row] = retrying.stdout.split('\n')
    expect(cells(head)).toEqual(['ENTRY', 'ID', 'ATTEMPT', 'DUE IN', 'ERROR', 'DATA'])
    expect(cells(row).slice(1)).toEqual([
      expect.stringMatching(/^\\u202e\\u200bx+…$/),
      '2',
      expect.stringMatching(/^(59|58)s|1m$/),
      '\\u001b[31mtry later',
      '{"to":"ada"}',
    ])
    expect(obeyed(retrying.stdout)).toEqual([])
    interface Listed {
      readonly messages: readonly Record<string, unknown>[]
      readonly next: string | null
    }
    const list = (state: string) => json<Listed>(['waiting', 'mail', 'mailer', '--state', state])
    expect((await list('retrying')).messages).toMatchObject([
      { id: hostile, state: 'retrying', attempt: 2, data: { to: 'ada' }, failure: { attempts: 1 }, startedAt: null },
    ])
    expect((await list('in-flight')).messages).toMatchObject([{ id: 'slow', state: 'inFlight', dueAt: null }])
    expect((await list('delayed')).messages).toMatchObject([{ id: 'later', data: null, failure: null }])
    expect(await list('ready')).toEqual({ topic: 'mail', group: 'mailer', messages: [], next: null })
    expect(await mq(['waiting', 'mail', 'mailer'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'mq: no message is ready\n',
    })
    await running.stop({ timeoutMs: 0 })
  })

  it('goes on where a part ended, and ends with 3 if there is no such group', async () => {
    const { queue, mq, json } = await inProcess()
    await queue.declareGroup('mail', 'mailer')
    await queue.publishAll('mail', [1, 2, 3])
    interface Listed {
      readonly messages: readonly { readonly data: number }[]
      readonly next: string
    }
    const first = await json<Listed>(['waiting', 'mail', 'mailer', '--limit', '2'])
    expect(first.messages.map(({ data }) => data)).toEqual([1, 2])
    const rest = await json<Listed>(['waiting', 'mail', 'mailer', '--after', first.next])
    expect([rest.messages.map(({ data }) => data), rest.next]).toEqual([[3], null])
    expect((await mq(['waiting', 'mail', 'mailer', '--limit', '2'])).stderr).toContain(first.next)
    expect(await mq(['waiting', 'mail', 'nobody'])).toMatchObject({ code: 3, stdout: '' })
    expect(await mq(['waiting', 'mail', 'mailer', '--state', 'lost'])).toMatchObject({
      code: 2,
      stderr: 'mq: --state is one of ready, delayed, retrying, inFlight\n',
    })
    expect(await mq(['waiting', 'mail', 'mailer', '--after', 'no such part'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('mq remove and mq run-now', () => {
  async function delayed(count: number) {
    const opened = await inProcess()
    const { queue } = opened
    await queue.declareGroup('mail', 'mailer')
    await queue.publishAll(
      'mail',
      Array.from({ length: count }, (_, n) => n),
      { delayMs: 3_600_000 },
    )
    const entries: string[] = []
    for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
      const page = await queue.waiting('mail', 'mailer').list({ state: 'delayed', limit: 1_000, after })
      entries.push(...page.items.map(({ entryId }) => entryId))
      after = page.next
    }
    return { ...opened, entries }
  }
  const named = ['mail', 'mailer'] as const

  it('remove asks first, and removes what is named', async () => {
    const { queue, mq, entries } = await delayed(3)
    const [first = '', second = ''] = entries
    const refused = await mq(['remove', ...named, first])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('Remove 1 message of mail/mailer for good? There is no terminal')
    expect(await mq(['remove', ...named, first], { answer: 'n\n' })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('[y/N] mq: Nothing was done'),
    })
    expect((await queue.stats('mail')).delayed).toBe(3)
    expect(await mq(['remove', ...named, first], { answer: 'y\n' })).toMatchObject({
      code: 0,
      stdout: 'removed 1 message\n',
    })
    expect(await mq(['remove', ...named, first, second, '--yes'])).toEqual({
      code: 0,
      stdout: 'removed 1 message\n',
      stderr: 'mq: 1 entry had gone\n',
    })
    expect(await mq(['remove', ...named, first, '--yes', '--json'])).toEqual({
      code: 3,
      stdout: '{"removed":0,"interrupted":false}\n',
      stderr: 'mq: None of these entries waits\n',
    })
    expect((await queue.stats('mail')).delayed).toBe(1)
  })

  it('run-now makes messages ready that stdin names, without an attempt', async () => {
    const { queue, mq, entries } = await delayed(3)
    const stdin = `${entries[0]}\r\n\n${entries[1]}\n`
    expect(await mq(['run-now', ...named, '-'], { stdin })).toEqual({
      code: 0,
      stdout: 'readied 2 messages\n',
      stderr: '',
    })
    const attempts: number[] = []
    await queue.subscribe('mail', ({ attempt }) => void attempts.push(attempt))
    await until(() => attempts.length === 2, { what: 'both messages', timeoutMs: 5_000 })
    expect(attempts).toEqual([1, 1])
    expect(await mq(['run-now', ...named, '-'], { stdin: '' })).toMatchObject({ code: 3 })
    expect(await mq(['run-now', ...named, '-', 'x'])).toMatchObject({ code: 2 })
    expect(await mq(['run-now', 'mail', 'nobody', 'x'])).toMatchObject({
      code: 3,
      stderr: "mq: There is no group 'nobody' of the topic 'mail'\n",
    })
  })

  it('are broken off after a part with nothing lost, and go on when they are given again', async () => {
    const { queue, mq, entries } = await delayed(1_000)
    const abort = new AbortController()
    const stdin = entries.join('\n')
    const removing = mq(['remove', ...named, '-', '--yes', '--json'], { stdin, signal: abort.signal })
    await until(async () => (await queue.stats('mail')).delayed !== 1_000, { what: 'a part', timeoutMs: 5_000 })
    abort.abort()
    const { code, stdout, stderr } = await removing
    const { removed, interrupted } = JSON.parse(stdout)
    const left = (await queue.stats('mail')).delayed
    expect(removed + Number(left)).toBe(1_000)
    if (interrupted)
      expect({ code, stderr }).toMatchObject({ code: 130, stderr: expect.stringContaining('Broken off') })
    const rest = await mq(['remove', ...named, '-', '--yes', '--json'], { stdin })
    expect(rest.code).toBe(left === 0 ? 3 : 0)
    expect((await queue.stats('mail')).delayed).toBe(0)
    const aborted = AbortSignal.abort()
    expect(await mq(['run-now', ...named, 'x'], { signal: aborted })).toMatchObject({ code: 130 })
  })
})

describe('mq pause and mq resume', () => {
  it('pause a group for all, say by whom, and let it go on', async () => {
    const { queue, mq, json } = await inProcess()
    const seen: unknown[] = []
    await queue.subscribe('mail', ({ data }) => void seen.push(data))
    expect(await mq(['pause', 'mail', 'mailer', '--by', 'Ada: down'])).toEqual({
      code: 0,
      stdout: 'paused mail/mailer\n',
      stderr: '',
    })
    await queue.publish('mail', 1)
    const { stdout } = await mq(['stats', 'mail', 'mailer'])
    const [head, row] = stdout.split('\n')
    expect(cells(head).slice(-3)).toEqual(['OLDEST READY', 'OLDEST DEAD', 'PAUSED'])
    expect(cells(row).slice(-2)).toEqual(['-', expect.stringMatching(/^since \S+Z by Ada: down$/)])
    expect(await json(['stats', 'mail', 'mailer'])).toMatchObject({ oldestDeadMs: 0, paused: { by: 'Ada: down' } })
    expect((await mq(['pause', 'mail', 'mailer'])).stdout).toMatch(/^mail\/mailer was paused already, since .* by Ada/)
    expect(seen).toEqual([])
    expect(await json(['resume', 'mail', 'mailer'])).toEqual({ topic: 'mail', group: 'mailer', wasPaused: true })
    await until(() => seen.length === 1, { what: 'the message', timeoutMs: 5_000 })
    expect((await mq(['resume', 'mail', 'mailer'])).stdout).toBe('mail/mailer was not paused\n')
    expect(await json(['pause', 'mail', 'mailer'])).toMatchObject({
      wasPaused: false,
      paused: { by: expect.stringMatching(/^ada@/) },
    })
  })

  it('end with 3 if there is no such group, and pause the workers of a task by its topic', async () => {
    const { queue, mq } = await inProcess()
    expect(await mq(['pause', 'mail', 'nobody'])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('MQ_GROUP_MISSING'),
    })
    expect(await mq(['resume', 'mail', 'nobody'])).toMatchObject({ code: 3, stdout: '' })
    const scheduler = createScheduler(queue)
    onTestFinished(() => scheduler.stop({ timeoutMs: 0 }))
    await scheduler.register(defineTask({ name: 'resize', execute: () => null }))
    await scheduler.start()
    expect((await mq(['pause', 'task.resize'])).stdout).toBe('paused task.resize/workers\n')
  })
})

describe('mq schedules', () => {
  it('lists schedules with their replicas, next time and rule', async () => {
    const { queue, mq, json } = await inProcess()
    expect(await mq(['schedules'])).toEqual({ code: 0, stdout: '', stderr: 'mq: there are no schedules\n' })
    for (const topic of ['a', 'z']) await queue.declareGroup(topic, 'g')
    const scheduler = createScheduler(queue)
    onTestFinished(() => scheduler.stop({ timeoutMs: 0 }))
    const task = defineTask({ name: 'report', execute: () => null })
    await scheduler.schedule('nightly', { cron: '0 3 * * *', timeZone: 'Europe/Berlin' }, task, null)
    await scheduler.start()
    const { schedules } = await json<{ schedules: readonly Record<string, unknown>[] }>(['schedules'])
    const [next] = scheduler.schedules()
    expect(schedules).toEqual([
      {
        schedule: 'nightly',
        replicas: 1,
        next: next?.next?.toISOString(),
        rule: expect.stringContaining('0 3 * * *'),
        paused: null,
      },
    ])
    const { stdout } = await mq(['schedules'])
    expect(cells(stdout.split('\n')[1]).slice(0, 2)).toEqual(['nightly', '1'])
    await queue.publish('schedule.nightly', { tick: '\u001b[2J', rule: 7 }, { delayMs: 1_000 })
    await queue.publish('schedule.nightly', 'nonsense', { delayMs: 1_000 })
    expect(await json(['schedules'])).toEqual({ schedules })
  })
})
