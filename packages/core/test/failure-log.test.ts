import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import {
  consoleLog,
  defineEvent,
  type FailedMessage,
  type QueueOptions,
  RetryLater,
  type SettledEvent,
  type SubscribeOptions,
  Unrecoverable,
} from '../src/index.js'
import { deliver, handleOf, json } from './support/deliveries.js'
import { connected, type LogLine, turns } from './support/queues.js'

const retry = { attempts: 2, backoff: 'fixed', delayMs: 100, jitter: 'none' } as const

function brokenHandler(): never {
  throw Object.assign(new RangeError('broken'), { code: 'E_BROKEN' })
}

const throwing = (error: unknown) => (): never => {
  throw error
}

interface Ran {
  readonly lines: readonly LogLine[]
  readonly settled: readonly SettledEvent[]
}

/** Runs one message through a handler: the first attempt and, if it is retried, the second. */
async function run(
  handler: () => unknown,
  {
    listens = false,
    queue: queueOptions,
    ...options
  }: SubscribeOptions & { readonly listens?: boolean; readonly queue?: QueueOptions } = {},
): Promise<Ran & { readonly last: unknown }> {
  const opened = await connected({}, queueOptions)
  const settled: SettledEvent[] = []
  if (listens) opened.queue.on('settled', (event) => void settled.push(event))
  const handle = await handleOf(opened, handler, options.ephemeral === true ? options : { retry, ...options })
  const first = await deliver(handle).settlement
  const last = first.kind === 'retry' ? await deliver(handle, { attempt: 2 }).settlement : first
  return { lines: opened.log.lines, settled, last }
}

const stackOfLine = (line: LogLine | undefined): unknown =>
  (line?.fields?.error as { stack?: unknown } | undefined)?.stack

describe('a failure that no listener gets', () => {
  it('is logged as a warning for each retry, and as an error with the stack for each dead letter', async () => {
    const { lines } = await run(brokenHandler)
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'error'])
    const place = { topic: 'user.created', group: 'welcome', id: 'm-1', reason: 'error' }
    const error = { name: 'RangeError', message: 'broken', code: 'E_BROKEN' }
    expect(lines[0]?.fields).toEqual({ ...place, attempt: 1, error })
    expect(lines[0]?.message).toMatch(/'user\.created'.*100 ms.*broken/)
    expect(lines[1]?.fields).toMatchObject({ ...place, attempt: 2, error })
    expect(lines[1]?.message).toMatch(/dead letter of 'welcome'.*broken/)
    expect(stackOfLine(lines[1])).toContain('brokenHandler')
  })

  it.each([
    ['Unrecoverable', throwing(new Unrecoverable('no')), ['error']],
    ['RetryLater', throwing(new RetryLater({ afterMs: 5 })), ['warn', 'error']],
    ['a text', throwing('a text'), ['warn', 'error']],
    ['undefined', throwing(undefined), ['warn', 'error']],
    ['nothing', () => {}, []],
  ])('is logged when the handler throws %s', async (_, handler, levels) => {
    expect((await run(handler)).lines.map(({ level }) => level)).toEqual(levels)
  })

  it('is logged once for a message that no handler saw, with the stack of a schema that threw', async () => {
    const schema = z.object({ userId: z.string() }).transform(function broken(): never {
      throw new TypeError('a mistake in the schema')
    })
    const opened = await connected()
    const handle = await handleOf(opened, () => {}, {}, defineEvent('user.created', { schema }))
    await deliver(handle).settlement
    await deliver(handle, { message: { body: json({ userId: 42 }) } }).settlement
    await deliver(handle, { message: { body: Buffer.from('{') } }).settlement
    expect(opened.log.lines.map(({ fields }) => fields?.reason)).toEqual(['invalid', 'invalid', 'undecodable'])
    expect(opened.log.lines.map((line) => typeof stackOfLine(line))).toEqual(['string', 'undefined', 'undefined'])
  })

  it('is logged with its stack when the subscription is ephemeral, unless a listener for errors gets it', async () => {
    const { lines } = await run(brokenHandler, { ephemeral: true })
    expect(lines.map(({ level }) => level)).toEqual(['error'])
    expect(stackOfLine(lines[0])).toContain('brokenHandler')

    const opened = await connected()
    const errors: Error[] = []
    opened.queue.on('error', ({ error }) => void errors.push(error))
    await deliver(await handleOf(opened, brokenHandler, { ephemeral: true })).settlement
    expect(opened.log.lines).toEqual([])
    expect(errors[0]).toHaveProperty('cause.stack', expect.stringContaining('brokenHandler'))
  })

  it('is not logged if a listener for settled gets it, or if logFailures is false', async () => {
    const heard = await run(brokenHandler, { listens: true })
    expect(heard.lines).toEqual([])
    expect(heard.settled).toHaveLength(2)
    expect((await run(brokenHandler, { queue: { logFailures: false } })).lines).toEqual([])
  })

  it('fits on one line of the log, whatever its text is', async () => {
    const { lines } = await run(throwing(new Error('one\r\ntwo\u001b[31m three\u2028four')))
    for (const { message } of lines) expect(message).toMatch(/: one two\\u001b\[31m three\\u2028four$/)
    expect(stackOfLine(lines[1])).toContain('two\\u001b[31m three')
  })
})

describe('the stack of a failure', () => {
  it('is in the settled event of retries and dead letters, and in onLastFailure', async () => {
    const failed: FailedMessage[] = []
    const { settled } = await run(brokenHandler, {
      listens: true,
      onLastFailure: (message) => void failed.push(message),
    })
    for (const { failure } of settled) expect(failure?.error.stack).toContain('brokenHandler')
    expect(failed[0]?.failure.error.stack).toContain('brokenHandler')
  })

  it('is cut to 2,048 characters in a dead letter, is in no retry, and in neither if storeStacks is false', async () => {
    function deep(left: number): never {
      if (left > 0) deep(left - 1)
      throw new Error('x'.repeat(100_000), { cause: new Error('y'.repeat(100_000)) })
    }
    const before = Error.stackTraceLimit
    Error.stackTraceLimit = 200
    const opened = await connected()
    const settled: SettledEvent[] = []
    opened.queue.on('settled', (event) => void settled.push(event))
    const handle = await handleOf(opened, () => deep(100), { retry })
    const first = await deliver(handle).settlement
    const last = await deliver(handle, { attempt: 2 }).settlement
    Error.stackTraceLimit = before
    expect(first).toMatchObject({ kind: 'retry', failure: { error: { name: 'Error' } } })
    expect(first).not.toHaveProperty('failure.error.stack')
    const { stack = '' } = last.kind === 'dead' ? last.failure.error : {}
    expect(stack).toContain('deep')
    expect(stack).toHaveLength(2_048)
    expect(settled[1]?.failure?.error.stack?.length).toBeGreaterThan(4_000)

    const off = await run(brokenHandler, { listens: true, queue: { storeStacks: false } })
    expect(off.last).toMatchObject({ kind: 'dead', failure: { error: { name: 'RangeError' } } })
    expect(off.last).not.toHaveProperty('failure.error.stack')
    expect(off.settled[1]?.failure?.error.stack).toContain('brokenHandler')
  })

  it('has the stacks of its causes', async () => {
    const cause = (function inner() {
      return new Error('inner', { cause: new AggregateError([new Error('one of two')]) })
    })()
    const { lines } = await run(throwing(new Error('outer', { cause })))
    const stack = String(stackOfLine(lines[1]))
    expect(stack).toMatch(
      /^Error: outer\n[\s\S]*Caused by: Error: inner\n[\s\S]*at inner[\s\S]*One of: Error: one of two/,
    )
  })

  it('is left out if it cannot be read', async () => {
    const hostile = Object.defineProperty(new Error('x'), 'stack', {
      get() {
        throw new Error('no')
      },
    })
    const loop = new Error('loop')
    loop.cause = loop
    for (const error of [hostile, Object.assign(new Error('x'), { stack: 5 }), loop]) {
      const { last, lines } = await run(throwing(error))
      expect(last).toMatchObject({ kind: 'dead' })
      expect(lines).toHaveLength(2)
    }
  })
})

describe('a listener that fails', () => {
  const mistake = new RangeError('listener\nbroken')
  const rejectElsewhere = runInNewContext('(error) => Promise.reject(error)') as (error: unknown) => Promise<never>
  const listeners: readonly [string, () => unknown][] = [
    ['throws', throwing(mistake)],
    ['rejects', () => Promise.reject(mistake)],
    ['rejects by a promise of another kind', () => rejectElsewhere(mistake)],
  ]
  const text = "A listener for 'settled' threw: RangeError: listener broken"

  async function settled(listener: () => unknown, options: QueueOptions = {}, onError?: (event: object) => unknown) {
    const opened = await connected({}, options)
    opened.queue.on('settled', listener)
    if (onError !== undefined) opened.queue.on('error', onError)
    expect(await deliver(await handleOf(opened, () => {})).settlement).toEqual({ kind: 'done' })
    await turns()
    return opened.log.lines
  }

  it.each(listeners)('and %s is logged with its stack', async (_, listener) => {
    const error = { name: 'RangeError', message: mistake.message, stack: expect.stringContaining('failure-log.test') }
    expect(await settled(listener)).toEqual([{ level: 'error', message: text, fields: { error } }])
  })

  it.each(listeners)('and %s is an error event if there is a listener for it, and not logged', async (_, listener) => {
    const seen: object[] = []
    expect(await settled(listener, {}, (event) => void seen.push(event))).toEqual([])
    expect(seen).toEqual([{ error: expect.objectContaining({ code: 'MQ_OPERATION_FAILED', message: text }) }])
    expect(inspect(seen, { depth: 5 })).toContain('failure-log.test')
  })

  it('is logged without its stack if logFailures is false', async () => {
    const lines = await settled(throwing(mistake), { logFailures: false })
    expect(lines).toEqual([{ level: 'error', message: text, fields: { code: 'MQ_OPERATION_FAILED' } }])
  })

  it('shows no password, neither in the log nor to other listeners', async () => {
    const broken = throwing(new Error('connect redis://:hunter2@cache', { cause: { password: 'hunter2' } }))
    const seen: unknown[] = []
    const lines = [
      await settled(broken),
      await settled(broken, { logFailures: false }),
      await settled(broken, {}, (event) => void seen.push(event)),
      await settled(broken, {}, broken),
    ]
    expect(seen).toHaveLength(1)
    expect(lines.map(({ length }) => length)).toEqual([1, 1, 0, 1])
    expect(inspect([lines, seen], { depth: 10, showHidden: true })).not.toContain('hunter2')
  })
})

describe('passwords', () => {
  const texts = [
    'connect redis://:hunter2@10.0.0.1:6379 failed',
    'connect postgres://ada:hunter2@db/shop?x=1',
    'connect amqp://ada:hun/ter2@db: hunter2? no: amqp://a:hunter2@b',
    'GET https://ada:hunter2@example.com/a',
    'options: { user: "ada", password: "hunter2" }',
    'options: {"user":"ada","password":"hunter2","port":1}',
    'DB_PASSWORD=hunter2 refused',
    'postgres:///shop?user=ada&password=hunter2',
    'Authorization: Bearer hunter2hunter2',
  ]

  it.each(texts)('are in no line of the log, no event and no dead letter: %s', async (text) => {
    const harmless = text.replace('hunter2? no', 'x? no')
    const broken = throwing(new Error(`Failed: ${harmless}`, { cause: new Error(harmless) }))
    const failed: unknown[] = []
    const quiet = await run(broken, { onLastFailure: (message) => void failed.push(message) })
    const heard = await run(broken, { listens: true })
    const ephemeral = await run(broken, { ephemeral: true })
    const all = inspect([quiet, heard, ephemeral, failed], { depth: 10 })
    expect(all).toContain('Failed')
    expect(all).not.toContain('hunter2')
  })

  it('leave paths of modules as they are', async () => {
    const error = new Error('x')
    const frame = 'at run (file:///app/node_modules/.pnpm/@mq+core@1.0.0/node_modules/@mq/core/dist/index.js:1:2)'
    error.stack = `Error: x\n    ${frame}`
    const { lines } = await run(throwing(error))
    expect(stackOfLine(lines[1])).toContain(frame)
  })
})

describe('the default log', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('shows the stack of a dead letter on lines of its own', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await run(brokenHandler, { queue: { log: consoleLog } })
    expect(warned).toHaveBeenCalledTimes(1)
    const [text, fields, stack] = printed.mock.calls[0] ?? []
    expect(text).toMatch(/^\[mq\] A message of 'user\.created' is a dead letter/)
    expect(fields).toMatchObject({ id: 'm-1', error: { name: 'RangeError' } })
    expect(fields).not.toHaveProperty('error.stack')
    expect(stack).toMatch(/^\nRangeError: broken\n +at .*brokenHandler/)
  })
})
