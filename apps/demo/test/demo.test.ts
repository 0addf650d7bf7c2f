import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { builtDemo, demoWithAdapters, expectGoodRun, run, runMs } from './application.js'
import { startRemoteBroker } from './remote/broker.js'

describe('the demo', () => {
  it('delivers to everybody, accounts for the rest, and exits with 0', { timeout: runMs }, async () => {
    const demo = run(builtDemo, [])
    const { code, output } = await demo.ended
    expectGoodRun(output)
    expect(output).toContain('web server and worker share this process')
    expect(code).toBe(0)
    expect(await readdir(demo.temporary)).toEqual([])
  })

  it('exits with 1 and names the address when a mail is lost', { timeout: runMs }, async () => {
    const lost = 'bruno.kastel@example.org'
    const { code, output } = await run(builtDemo, [], { DEMO_MAILBOX_SWALLOWS: lost }).ended
    expect(output).toMatch(/│ delivered +│ 54 /)
    expect(output).toMatch(
      /These problems were found:\n {2}- bruno\.kastel@example\.org \(user \d+\): no mail arrived\n$/,
    )
    expect(code).toBe(1)
  })

  it('ends after its timeout with 1 and says what is missing', { timeout: runMs }, async () => {
    const { code, output } = await run(builtDemo, [], { DEMO_TIMEOUT_MS: '700' }).ended
    expect(output).toContain('The demo was not finished after 0.7 s')
    expect(output).toContain('eduard.tammsalu@example.org: was never sent to the web server')
    expect(code).toBe(1)
  })

  it('stays up with --keep, delivers what curl sends and what its page replays, and ends with 0 on SIGTERM', {
    timeout: runMs,
  }, async () => {
    const demo = run(builtDemo, ['--keep'])
    const output = await demo.printed(/Ctrl-C ends it/)
    expectGoodRun(output)
    const [, url, body] = /curl -i (\S+) -H 'content-type: application\/json' -d '(.+)'/.exec(output) ?? []
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url ?? '', { method: 'POST', headers, body: body ?? '' })
    expect([response.status, await response.json()]).toMatchObject([202, { id: '57' }])
    await demo.printed(/mail for ada@example\.com: Welcome to our platform\n.* Your user ID is 57\./)
    expect((await fetch(url ?? '', { method: 'POST', headers, body: '{}' })).status).toBe(400)

    const [, page = ''] = /^ {2}(http:\/\/127\.0\.0\.1:\d+\/)$/m.exec(output) ?? []
    expect(await replayBounces(page)).toContain('There is no such mailbox')
    await demo.printed(/mail for yann\.kerdoncuff@example\.com: Welcome to our platform/)
    demo.child.kill('SIGTERM')
    expect((await demo.ended).code).toBe(0)
  })

  it('ends with 143 when SIGTERM comes in the middle', { timeout: runMs }, async () => {
    const demo = run(builtDemo, [])
    await demo.printed(/POST \/users/)
    demo.child.kill('SIGTERM')
    expect((await demo.ended).code).toBe(143)
  })

  it('says what is wrong with a flag, and exits with 2', async () => {
    const { code, output } = await run(builtDemo, ['--brokr', 'memory:']).ended
    expect(output).toBe("Unknown option '--brokr'\nTry --help\n")
    expect(code).toBe(2)
  })

  it('explains itself with --help', async () => {
    const { code, output } = await run(builtDemo, ['--help']).ended
    for (const flag of ['--broker', '--port', '--keep', 'MQ_URL']) expect(output).toContain(flag)
    expect(code).toBe(0)
  })

  it('exits with 1 and says so when its port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { code, output } = await run(builtDemo, ['--port', String(port)]).ended
    expect(output).toContain(`EADDRINUSE: address already in use 127.0.0.1:${port}`)
    expect(output).not.toContain('    at ')
    expect(code).toBe(1)
  })
})

describe('the demo with another broker', () => {
  it.each([
    ['--broker', ['--broker', 'redis://user:secret@localhost:1'], {}],
    ['MQ_URL', [], { MQ_URL: 'redis://user:secret@localhost:1' }],
  ])('says by %s what to install when its adapter is missing, and what is there', async (_name, args, env) => {
    const main = await demoWithAdapters({ standIn: false })
    const { code, output } = await run(main, args, env).ended
    expect(output).toBe(
      'The queue type redis needs the package @mq/redis: npm install @mq/redis. Installed adapters: memory. In a bundle, import the adapter and pass it: openQueue(url, { adapters: [redis] })\n',
    )
    expect(code).toBe(1)
  })

  it('names the schemes that it knows when there is no such broker', async () => {
    const { code, output } = await run(builtDemo, ['--broker', 'gopher://user:secret@host']).ended
    expect(output).toContain('Unsupported queue type: gopher. Known schemes: amqp: amqps: redis:')
    expect(output).not.toMatch(/secret| {4}at /)
    expect(code).toBe(1)
  })

  it('runs web server and worker as two processes', { timeout: runMs }, async () => {
    const broker = await startRemoteBroker()
    const main = await demoWithAdapters({ standIn: true })
    const demo = run(main, ['--broker', `redis://user:secret@127.0.0.1:${broker.port}`])
    await demo.printed(/POST \/users/)
    expect(broker.connections()).toBe(2)
    const { code, output } = await demo.ended
    expectGoodRun(output)
    expect(output).toContain(`stand-in (redis://***@127.0.0.1:${broker.port}); the worker is a separate process`)
    expect(output).not.toContain('secret')
    expect(code).toBe(0)
    expect(broker.connections()).toBe(0)
  })

  it('is not misled by messages that another run left at the broker', { timeout: 2 * runMs }, async () => {
    const broker = await startRemoteBroker()
    const main = await demoWithAdapters({ standIn: true })
    const args = ['--broker', `redis://127.0.0.1:${broker.port}`]
    const first = run(main, args)
    await first.printed(/SendEmailTask [1-9]/)
    first.child.kill('SIGTERM')
    await first.ended
    const { code, output } = await run(main, args).ended
    expect(output).toMatch(/│ delivered +│ 55 /)
    expect(output).toContain('All 60 sign-ups ended as expected.')
    expect(code).toBe(0)
  })

  it('exits with 1 and says so when the worker dies', { timeout: runMs }, async () => {
    const broker = await startRemoteBroker()
    const main = await demoWithAdapters({ standIn: true })
    const { code, output } = await run(main, ['--broker', `redis://127.0.0.1:${broker.port}?workerDiesAfter=30`]).ended
    expect(output).toContain('The worker process ended by itself (3)')
    expect(output).toMatch(/\(user \d+\): no mail arrived/)
    expect(code).toBe(1)
    expect(broker.connections()).toBe(0)
  })

  it('leaves no worker behind, not even when it is killed', { timeout: runMs }, async () => {
    const broker = await startRemoteBroker()
    const main = await demoWithAdapters({ standIn: true })
    const demo = run(main, ['--broker', `redis://127.0.0.1:${broker.port}`])
    await demo.printed(/POST \/users/)
    expect(broker.connections()).toBe(2)
    demo.child.kill('SIGKILL')
    await vi.waitFor(() => expect(broker.connections()).toBe(0), { timeout: 10_000 })
  })
})

/** Replays the dead letters of the mails as a person does, and returns the part of the page that lists them. */
async function replayBounces(page: string): Promise<string> {
  const place = 'topic=task.send-email&group=workers'
  const shown = await fetch(`${page}group?${place}&list=dead`)
  const html = await shown.text()
  const [cookie = ''] = (shown.headers.get('set-cookie') ?? '').split(';')
  const [, token = ''] = /name="token" value="([^"]+)"/.exec(html) ?? []
  const body = new URLSearchParams(`${place}&all=yes`)
  body.set('token', token)
  await fetch(`${page}replay`, { method: 'POST', body, headers: { cookie } })
  return html
}
