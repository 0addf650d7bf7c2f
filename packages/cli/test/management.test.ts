import { createScheduler, defineTask } from '@mq/core'
import { brokers, type RabbitServer, rabbitmq, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { mq, mqJson } from './support/mq.js'
import { open } from './support/open.js'

describe.skipIf(!brokers.owned('rabbitmq'))('mq on RabbitMQ with its management API', () => {
  let server: RabbitServer
  beforeAll(async () => {
    server = await rabbitmq({ management: true })
    return () => server.stop()
  })

  it('topics lists them part by part', async () => {
    const { queue, topic, ...at } = await open('rabbitmq', server)
    const names = ['a', 'b', 'c'].map((name) => `${topic}.${name}`)
    for (const name of names) await queue.declareGroup(name, 'g')
    const { topics } = await mqJson<{ topics: readonly string[] }>(['topics', '--limit', '1000'], at)
    expect(topics.filter((name) => name.startsWith(topic))).toEqual(names)
    const [first = '', second = ''] = names
    expect(await mq(['topics', '--limit', '1', '--after', first], at)).toEqual({
      code: 0,
      stdout: `TOPIC\n${second}\n`,
      stderr: `mq: there are more; add --after ${second}\n`,
    })
  })

  it('groups lists lasting and ephemeral ones, with their consumers and pauses', async () => {
    const { queue, topic, ...at } = await open('rabbitmq', server)
    await queue.declareGroup(topic, 'audit')
    await queue.pauseGroup(topic, 'audit', { by: 'Ada' })
    await queue.subscribe(topic, () => {}, { group: 'mailer' })
    await queue.subscribe(topic, () => {}, { ephemeral: true })
    const { code, stdout, stderr } = await mq(['groups', topic], at)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^audit +0 {2}lasting +since \S+Z by Ada$/m)
    expect(stdout).toMatch(/^mailer +1 {2}lasting +-$/m)
    expect(stdout).toMatch(/^ephemeral\.\S+ +(1|unknown) {2}ephemeral +-$/m)
    expect(await mq(['groups', `${topic}.none`], at)).toMatchObject({ code: 3, stdout: '' })
  })

  it('schedules lists them with their replicas; their next time is unknown', async () => {
    const { queue, topic, ...at } = await open('rabbitmq', server)
    const scheduler = createScheduler(queue)
    onTestFinished(() => scheduler.stop({ timeoutMs: 0 }))
    await scheduler.schedule(topic, { cron: '0 3 * * *' }, defineTask({ name: topic, execute: () => null }), null)
    await scheduler.start()
    const groups = async () => (await queue.groups(`schedule.${topic}`)).items
    const replicas = async () => (await groups()).find(({ group }) => group === 'replicas')?.consumers
    await until(async () => (await replicas()) === 1, { what: 'the replica', timeoutMs: 20_000 })
    const { schedules } = await mqJson<{ schedules: readonly object[] }>(['schedules'], at)
    expect(schedules).toContainEqual({ schedule: topic, replicas: 1, next: null, rule: null, paused: null })
    expect((await mq(['schedules'], at)).stdout).toContain(`${topic}         1  unknown  unknown  -`)
  })

  it('a wrong address or login of the API fails with its reason, and what needs no API still works', async () => {
    const { queue, topic, url } = await open('rabbitmq', server)
    await queue.declareGroup(topic, 'g')
    const wrong = (server.managementUrl ?? '').replace('http://', 'http://guest:geheim@')
    const login = await mq(['topics'], { url, env: { MQ_MANAGEMENT_URL: wrong } })
    expect(login).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/MQ_AUTH_FAILED/) })
    expect(login.stderr).not.toContain('geheim')
    const nowhere = { url, env: { MQ_MANAGEMENT_URL: 'http://127.0.0.1:1' } }
    expect(await mq(['groups', topic], nowhere)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ECONNREFUSED'),
    })
    expect(await mq(['stats', topic, 'g'], nowhere)).toMatchObject({ code: 0, stderr: '' })
    expect(await mq(['topics'], { url, env: { MQ_MANAGEMENT_URL: 'localhost:15672' } })).toMatchObject({ code: 2 })
  })

  it.each([[['topics']], [['groups', 'mail']], [['schedules']]])('%j without it names the variable', async (args) => {
    const { code, stdout, stderr } = await mq(args, { url: server.url })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/MQ_NOT_SUPPORTED.*for this command, set MQ_MANAGEMENT_URL=http:\/\/host:15672\n$/)
  })
})
