import { createScheduler, defineTask } from '@mq/core'
import { redisStore } from '@mq/redis'
import { brokers, type ServerKind, shared, until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { mq, mqJson, obeyed, start } from './support/mq.js'
import { die, open } from './support/open.js'

interface Letter {
  readonly entryId: string
  readonly id: string
  readonly data: { readonly n: number }
  readonly failure: { readonly error: { readonly message: string } }
}

const kinds: readonly ServerKind[] = ['redis', 'rabbitmq', 'kafka', 'postgres']

describe.skipIf(!brokers.wanted('redis'))('mq task with a store', () => {
  it('cancels a task that waits, and says how tasks have ended', async () => {
    const { url, queue, topic: name } = await open('redis')
    const store = redisStore({ url })
    const scheduler = createScheduler(queue, { store })
    onTestFinished(async () => {
      await scheduler.stop({ timeoutMs: 0 })
      await store.disconnect()
    })
    const task = defineTask({ name, execute: (input: number) => ({ double: 2 * input }) })
    const { id } = await scheduler.enqueue(task, 1, { delayMs: 3_600_000 })
    expect(await mq(['task', 'result', id], { url })).toMatchObject({ code: 3, stdout: '' })
    expect(await mq(['task', 'cancel', id], { url })).toEqual({ code: 0, stdout: `cancelled ${id}\n`, stderr: '' })
    expect(await mq(['task', 'cancel', id], { url })).toMatchObject({ code: 3, stdout: '' })
    expect(await mqJson(['task', 'result', id], { url, env: { MQ_STORE_URL: url } })).toEqual({
      status: 'cancelled',
      id,
    })

    await scheduler.register(task)
    await scheduler.start()
    const done = await scheduler.enqueue(task, 4, { reply: true })
    await done.result({ timeoutMs: 20_000 })
    expect(await mq(['task', 'result', done.id, '--store', url], { url })).toEqual({
      code: 0,
      stdout: `${name} completed\n{\n  "double": 8\n}\n`,
      stderr: '',
    })
  })
})

describe.each(kinds)('mq on %s', (kind) => {
  describe.skipIf(!brokers.wanted(kind))('a real broker', () => {
    it('stats counts the messages of a group, for people and for programs', async () => {
      const { url, queue, topic } = await open(kind)
      await queue.declareGroup(topic, 'g')
      await queue.publishAll(topic, [1, 2, 3])
      await until(async () => (await queue.stats(topic)).ready === 3, { what: 'three messages', timeoutMs: 20_000 })

      const people = await mq(['stats', topic, 'g'], { url })
      expect(people).toMatchObject({ code: 0, stderr: '' })
      const unknown = kind === 'rabbitmq' ? 'unknown' : '0'
      const [head = '', row = ''] = people.stdout.split('\n')
      const counts = ['READY', 'INFLIGHT', 'DELAYED', 'RETRYING', 'DEAD']
      const names = ['TOPIC', 'GROUP', ...counts, 'OLDEST READY', 'OLDEST DEAD', 'PAUSED']
      expect(head.split(/ {2,}/)).toEqual(names)
      expect(row.split(/ {2,}/).slice(0, 4)).toEqual([topic, 'g', '3', unknown])

      const stats = await mqJson(['stats', topic], { url, env: { MQ_GROUP: 'g' } })
      expect(stats).toMatchObject({ topic, group: 'g', ready: 3, dead: 0, inFlight: kind === 'rabbitmq' ? null : 0 })
    })

    it('stats ends with 3 if there is no such group', async () => {
      const { url, topic } = await open(kind)
      expect(await mq(['stats', topic, 'nobody'], { url })).toEqual({
        code: 3,
        stdout: '',
        stderr: `mq: There is no group 'nobody' of the topic '${topic}'\n`,
      })
      const spaced = await mq(['stats', 'a\u001b topic', 'g'], { url })
      expect(spaced).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('cannot be the topic') })
      expect(obeyed(spaced.stderr)).toEqual([])
    })

    it('stats --watch prints a line of JSON again and again, until Ctrl-C', async () => {
      const { url, queue, topic } = await open(kind)
      await queue.declareGroup(topic, 'g')
      const watching = start(['stats', topic, 'g', '--watch', '--every', '100ms', '--json'], { url })
      await until(() => watching.stdout().split('\n').length > 3, { what: 'three lines', timeoutMs: 30_000 })
      watching.process.kill('SIGINT')
      const { code, stdout } = await watching.ended
      expect(code).toBe(0)
      for (const line of stdout.trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ topic, ready: 0 })
    })

    it('publish stores a message with its options, and prints its id', async () => {
      const { url, queue, topic } = await open(kind)
      const seen: unknown[] = []
      await queue.subscribe(topic, ({ data, id, key, headers }) => void seen.push({ data, id, key, ...headers }))
      const options = ['--key', 'k', '--id', 'id-1', '--header', 'tenant=a=b']
      expect(await mq(['publish', topic, '{"n":7}', ...options], { url })).toEqual({
        code: 0,
        stdout: 'id-1\n',
        stderr: '',
      })
      expect(await mqJson(['publish', topic, '-', '--delay', '10ms'], { url, stdin: '"from stdin"' })).toEqual({
        id: expect.any(String),
        routed: expect.stringMatching(/^(yes|unknown)$/),
      })
      await until(() => seen.length === 2, { what: 'both messages', timeoutMs: 20_000 })
      expect(seen[0]).toEqual({ data: { n: 7 }, id: 'id-1', key: 'k', tenant: 'a=b' })
      expect(seen[1]).toMatchObject({ data: 'from stdin' })
    })

    it('tail shows what is published, until Ctrl-C or its limit, and takes nothing from a group', async () => {
      const { url, queue, topic } = await open(kind)
      await queue.declareGroup(topic, 'g')
      const tail = start(['tail', topic, '--json', '--limit', '2'], { url })
      const endless = start(['tail', topic], { url })
      const ready = (): boolean => [tail, endless].every((one) => one.stderr().includes('from now on'))
      await until(ready, { what: 'both tails', timeoutMs: 30_000 })
      await queue.publish(topic, { text: '\u001b[31m\u202e' }, { key: 'k', id: 'a' })
      await queue.publish(topic, 2, { key: 'k', id: 'b' })
      const { code, stdout } = await tail.ended
      expect(code).toBe(0)
      expect(obeyed(stdout)).toEqual([])
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(lines).toMatchObject([
        { topic, id: 'a', key: 'k', data: { text: '\u001b[31m\u202e' } },
        { topic, id: 'b', key: 'k', data: 2 },
      ])
      await until(() => endless.stdout().split('\n').length === 3, { what: 'both lines', timeoutMs: 20_000 })
      endless.process.kill('SIGINT')
      const ended = await endless.ended
      expect(ended.code).toBe(0)
      expect(ended.stdout).toMatch(
        /^\S+Z {2}a {2}key=k {2}\{"text":"\\u001b\[31m\\u202e"\}\n\S+Z {2}b {2}key=k {2}2\n$/,
      )
      expect((await queue.stats(topic)).ready).toBe(2)
    })

    it('looks and steers as far as the broker can, and says what it cannot', async () => {
      const { url, queue, topic } = await open(kind)
      const { capabilities } = queue
      await queue.declareGroup(topic, 'g')
      const refused = { code: 1, stdout: '', stderr: expect.stringContaining('MQ_NOT_SUPPORTED') }
      const can: readonly (readonly [args: readonly string[], isAble: boolean, expected: object])[] = [
        [['topics', '--limit', '100000'], capabilities.listsTopics, { stdout: expect.stringContaining(topic) }],
        [['groups', topic], capabilities.listsGroups, { stdout: expect.stringMatching(/^g +\d/m) }],
        [['schedules'], capabilities.listsTopics, {}],
        [['waiting', topic, 'g'], capabilities.listsWaiting, { stderr: 'mq: no message is ready\n' }],
        [['waiting', topic, 'g', '--state', 'inFlight'], capabilities.listsInFlight, {}],
        [['pause', topic, 'g', '--by', 'Ada'], capabilities.pausesGroups, { stdout: `paused ${topic}/g\n` }],
        [['stats', topic, 'g'], capabilities.pausesGroups, { stdout: expect.stringMatching(/since \S+Z by Ada/) }],
        [['resume', topic, 'g'], capabilities.pausesGroups, { stdout: `resumed ${topic}/g\n` }],
      ]
      for (const [args, isAble, expected] of can) {
        if (args[0] === 'stats' && !isAble) continue
        expect(await mq(args, { url }), args.join(' ')).toMatchObject(isAble ? { code: 0, ...expected } : refused)
      }
      await queue.publish(topic, 1)
      const later = await queue.publish(topic, 2, { delayMs: 3_600_000 })
      for (const [command, isAble] of [
        ['remove', capabilities.removesWaiting],
        ['run-now', capabilities.runsNow],
      ] as const) {
        expect(await mq([command, topic, 'g', 'no-such-entry', '--yes'], { url })).toMatchObject(
          isAble ? { code: 3 } : refused,
        )
      }
      if (!capabilities.listsWaiting || !capabilities.removesWaiting) return
      const list = ['waiting', topic, 'g', '--state', 'delayed']
      const { messages } = await mqJson<{ messages: readonly { entryId: string; id: string }[] }>(list, { url })
      expect(messages.map(({ id }) => id)).toEqual([later.id])
      const [entry] = messages
      expect(await mq(['remove', topic, 'g', entry?.entryId ?? '', '--yes'], { url })).toMatchObject({
        code: 0,
        stdout: 'removed 1 message\n',
      })
    })

    it('dead list and show print dead letters, for people and for programs', async () => {
      const { url, queue, topic } = await open(kind)
      await die(queue, topic, [{ n: 0 }, { n: 1, code: 'EOTHER' }, { n: 2 }, { n: 3 }])

      const people = await mq(['dead', 'list', topic, 'g'], { url })
      expect(people).toMatchObject({ code: 0, stderr: '' })
      expect(people.stdout).toContain('{"n":2}')
      expect(obeyed(people.stdout)).toEqual([])
      const letters = await mqJson<readonly Letter[]>(['dead', 'list', topic, 'g'], { url })
      expect(letters.map(({ data }) => data.n).sort()).toEqual([0, 1, 2, 3])
      const [other] = await mqJson<readonly Letter[]>(['dead', 'list', topic, 'g', '--where', 'error.code=EOTHER'], {
        url,
      })
      expect(other?.data.n).toBe(1)
      expect(await mqJson<readonly Letter[]>(['dead', 'list', topic, 'g', '--limit', '2'], { url })).toHaveLength(2)

      const shown = await mq(['dead', 'show', topic, 'g', other?.entryId ?? ''], { url })
      expect(shown).toMatchObject({ code: 0, stderr: '' })
      expect(shown.stdout).toMatch(/^reason +error$/m)
      expect(obeyed(shown.stdout)).toEqual([])
      expect(await mqJson(['dead', 'show', topic, 'g', other?.entryId ?? ''], { url })).toEqual(other)
      expect(await mq(['dead', 'show', topic, 'g', '0-0'], { url })).toMatchObject({ code: 3, stdout: '' })
    })

    it('dead replay and purge take those that are named or match, and purge asks first', async () => {
      const { url, queue, topic } = await open(kind)
      await die(queue, topic, [{ n: 0 }, { n: 1, code: 'EOTHER' }, { n: 2 }, { n: 3 }])
      const other = (await queue.deadLetters(topic).list()).find(({ data }) => (data as { n: number }).n === 1)

      const replayed = await mq(['dead', 'replay', topic, 'g', '--where', 'data.n>=2', '--limit', '1'], { url })
      expect(replayed).toEqual({ code: 0, stdout: 'replayed 1 dead letter\n', stderr: '' })
      expect(await mqJson(['dead', 'replay', topic, 'g', other?.entryId ?? ''], { url })).toEqual({
        replayed: 1,
        interrupted: false,
      })
      const nothing = await mq(['dead', 'replay', topic, 'g', '--where', 'reason=crashed'], { url })
      expect(nothing).toEqual({ code: 3, stdout: 'replayed 0 dead letters\n', stderr: 'mq: No dead letter matches\n' })

      const refused = await mq(['dead', 'purge', topic, 'g'], { url })
      expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('give --yes') })
      expect((await queue.stats(topic)).dead).toBe(2)
      expect(await mqJson(['dead', 'purge', topic, 'g', '--where', 'data.n=0', '--yes'], { url })).toMatchObject({
        purged: 1,
      })
      expect(await mqJson(['dead', 'purge', topic, 'g', '--yes'], { url })).toMatchObject({ purged: 1 })
      expect(await mqJson(['dead', 'purge', topic, 'g', '--yes'], { url })).toMatchObject({ purged: 0 })
      await until(async () => (await queue.stats(topic)).ready === 2, { what: 'two replayed ones', timeoutMs: 20_000 })
      expect((await queue.stats(topic)).dead).toBe(0)
    })

    it('task run waits for the result of a worker elsewhere, and says how a task failed', async () => {
      const { url, queue, topic: name } = await open(kind)
      const scheduler = createScheduler(queue)
      onTestFinished(() => scheduler.stop({ timeoutMs: 0 }))
      const task = defineTask({
        name,
        retry: false,
        execute(input: { n: number }, { progress }) {
          progress(0.5, 'half')
          if (input.n < 0) throw new Error('\u001bnegative')
          return { double: 2 * input.n }
        },
      })
      await scheduler.register(task)
      await scheduler.start()
      expect(await mqJson(['task', 'run', name, '{"n":4}'], { url })).toEqual({
        id: expect.any(String),
        task: name,
        status: 'completed',
        result: { double: 8 },
      })
      const failed = await mq(['task', 'run', name, '{"n":-1}'], { url })
      expect(failed).toMatchObject({ code: 1, stdout: '' })
      expect(failed.stderr).toMatch(/MQ_TASK_FAILED: .*\\u001bnegative/)
      if (kind !== 'redis' && kind !== 'postgres') {
        const storeless = await mq(['task', 'result', 'an-id'], { url })
        expect(storeless).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('give --store') })
      }
      const { code, stdout } = await mq(['task', 'run', name, '{"n":1}', '--no-wait', '--id', 'chosen'], { url })
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'chosen\n' })
    })

    it.skipIf(!brokers.wanted('redis'))('task result and cancel find tasks by a store that is elsewhere', async () => {
      const { url, queue, topic: name } = await open(kind)
      const env = { MQ_STORE_URL: (await shared('redis')).url }
      const store = redisStore({ url: env.MQ_STORE_URL })
      const scheduler = createScheduler(queue, { store })
      onTestFinished(async () => {
        await scheduler.stop({ timeoutMs: 0 })
        await store.disconnect()
      })
      const running = new Set<string>()
      const task = defineTask({
        name,
        async execute(isLong: boolean, { id, signal }) {
          if (!isLong) return { sent: true }
          running.add(id)
          return await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        },
      })
      await scheduler.register(task)
      await scheduler.start()
      const done = await scheduler.enqueue(task, false, { reply: true })
      await done.result({ timeoutMs: 20_000 })
      expect(await mqJson(['task', 'result', done.id], { url, env })).toMatchObject({
        status: 'completed',
        result: { sent: true },
      })
      for (const [flags, text] of [
        [[], 'cancelled'],
        [['--only-running'], 'asked every worker to cancel'],
      ] as const) {
        const { id } = await scheduler.enqueue(task, true)
        await until(() => running.has(id), { what: 'the task to run', timeoutMs: 20_000 })
        expect(await mq(['task', 'cancel', id, ...flags], { url, env })).toEqual({
          code: 0,
          stdout: `${text} ${id}\n`,
          stderr: '',
        })
        const status = async () => (await scheduler.result(id))?.status
        await until(async () => (await status()) === 'cancelled', { what: 'the end of the task', timeoutMs: 20_000 })
        expect(await mqJson(['task', 'result', id], { url, env })).toEqual({ status: 'cancelled', id })
      }
    })

    it.skipIf(kind === 'rabbitmq')('schedules lists a schedule with its replicas, next time and rule', async () => {
      const { url, queue, topic } = await open(kind)
      const scheduler = createScheduler(queue)
      onTestFinished(() => scheduler.stop({ timeoutMs: 0 }))
      const task = defineTask({ name: topic, execute: () => null })
      await scheduler.schedule(topic, { cron: '0 3 * * *', timeZone: 'UTC' }, task, null)
      await scheduler.start()
      const groups = async () => (await queue.groups(`schedule.${topic}`)).items
      const replicas = async () => (await groups()).find(({ group }) => group === 'replicas')?.consumers
      await until(async () => (await replicas()) === 1, { what: 'the replica', timeoutMs: 20_000 })
      const waiting = async () =>
        (await queue.waiting(`schedule.${topic}`, 'replicas').list({ state: 'delayed' })).items
      await until(async () => (await waiting()).length > 0, { what: 'the tick', timeoutMs: 20_000 })
      const { schedules } = await mqJson<{ schedules: readonly object[] }>(['schedules'], { url })
      expect(schedules).toContainEqual({
        schedule: topic,
        replicas: 1,
        next: scheduler.schedules()[0]?.next?.toISOString(),
        rule: '0 3 * * * in UTC',
        paused: null,
      })
    })
  })
})
