import { connect } from 'node:net'
import { brokers, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { build, type Program, start, stop } from './program.js'

const example = 'nest-service'
const runMs = 120_000
const names = ['memory', 'redis', 'rabbitmq', 'kafka'] as const

beforeAll(() => build(example))

interface Service {
  readonly program: Program
  readonly address: URL
  get(path: string): Promise<unknown>
  post(path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>
}

async function serve(env: Readonly<Record<string, string>>): Promise<Service> {
  const program = start(example, { PORT: '0', ...env })
  const [, printed] = await program.printed(/listening on (\S+)/)
  const address = new URL(printed as string)
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(new URL(path, address), { signal: AbortSignal.timeout(30_000), ...init })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }
  return {
    program,
    address,
    get: async (path) => (await send(path)).body,
    post: (path, body = {}) =>
      send(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  }
}

/** One service per broker; their topics are theirs alone. */
describe.each(names)('a Nest service on %s', (name) => {
  it.skipIf(name !== 'memory' && !brokers.wanted(name))(
    'turns sign-ups into mails, answers who waits for one, shows what died and replays it, and ends in order',
    async () => {
      const url = name === 'memory' ? 'memory:' : (await shared(name)).url
      const { program, get, post } = await serve({ MQ_URL: url })
      const soon = { timeout: 30_000 }
      expect(await get('/health')).toMatchObject({ status: 'ok', info: { queue: { status: 'up', health: 'up' } } })

      expect(await post('/accounts', { email: 'ada@example.com' })).toEqual({
        status: 202,
        body: { eventId: expect.any(String) },
      })
      await expect.poll(() => get('/mails'), soon).toEqual(['ada@example.com: Welcome!'])
      expect(await post('/accounts', { email: 'nobody' })).toMatchObject({ status: 400 })

      const greylisted = { to: 'greylisted@example.com', text: 'Hello' }
      expect(await post('/mails', greylisted)).toEqual({ status: 200, body: { mailId: 'mail-2', attempt: 2 } })

      const problem = 'the mailbox of full@example.com is full'
      expect(await post('/mails', { to: 'full@example.com', text: 'Hello' })).toMatchObject({
        status: 502,
        body: { message: problem },
      })
      await expect
        .poll(() => get('/dead-mails'), soon)
        .toEqual([{ data: { to: 'full@example.com', text: 'Hello' }, error: problem, attempts: 1 }])
      await post('/mailboxes/full@example.com/empty')
      expect(await post('/dead-mails/replay')).toEqual({ status: 200, body: { replayed: 1 } })
      await expect.poll(() => get('/mails'), soon).toContain('full@example.com: Hello')
      expect(await get('/dead-mails')).toEqual([])
      await stop(program)
    },
    runMs,
  )
})

describe('a Nest service that is told to stop', () => {
  it(
    'answers the request that waits for its mail',
    async () => {
      const { program, post } = await serve({ MQ_URL: 'memory:' })
      const answer = post('/mails', { to: 'ada@example.com', text: 'Hello' })
      await program.printed(/a mail to ada/)
      await stop(program)
      expect(await answer).toEqual({ status: 200, body: { mailId: 'mail-1', attempt: 1 } })
    },
    runMs,
  )

  it(
    'closes a connection that is kept alive with the answer to the request that is open',
    async () => {
      const { program, address } = await serve({ MQ_URL: 'memory:' })
      const socket = connected(address)
      const body = JSON.stringify({ email: 'ada@example.com' })
      const head = ['POST /accounts HTTP/1.1', `host: ${address.host}`, 'content-type: application/json']
      socket.write([...head, `content-length: ${body.length}`, 'expect: 100-continue', '', ''].join('\r\n'))
      await expect.poll(socket.received).toContain('100 Continue')
      const stopped = stop(program)
      await expect.poll(() => isRefused(address)).toBe(true)
      socket.write(body)
      await expect.poll(socket.received).toContain('202 Accepted')
      socket.write(['GET /mails HTTP/1.1', `host: ${address.host}`, '', ''].join('\r\n'))
      await socket.closed
      expect(socket.received()).not.toContain('200 OK')
      await stopped
    },
    runMs,
  )
})

/** Writes to a server as it is told, unlike clients, which decide about connections by themselves. */
function connected({ hostname, port }: URL) {
  let received = ''
  const socket = connect(Number(port), hostname)
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  // The server has closed it, which is what `closed` waits for.
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.on('close', resolve))
  return { received: () => received, closed, write: (text: string) => void socket.write(text) }
}

const isRefused = ({ hostname, port }: URL): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', () => resolve(true))
  })
