import { MqError, requireEntry, storeChecks, type TaskStore, withTimeout } from '@mq/core/adapter'
import type { Client } from './connection/client.js'
import { type CommandError, commandError, operationError, willPass } from './connection/errors.js'
import { type Argument, createLink, type Link, runBy } from './connection/link.js'
import type { Script } from './connection/script.js'
import type { LinkSettings } from './options/connection.js'
import { type RedisStoreOptions, storeSettingsOf } from './store/options.js'
import {
  acquireScript,
  compareAndSetScript,
  deleteExpectedScript,
  renewLeaseScript,
  takeScript,
} from './store/scripts.js'

/** A store that every process reaches. It connects with its first question; after that the connection heals by itself. */
export interface RedisStore extends Required<TaskStore>, AsyncDisposable {
  /** Closes its connection. Always resolves, may be called twice, and is final. */
  disconnect(): Promise<void>
}

interface Question {
  /** For an error. */
  readonly what: string
  readonly send: () => Promise<unknown>
  readonly once?: boolean
}

interface Connection {
  /** Resolves once a command can be sent, or when it has taken too long. */
  ready(timeoutMs: number): Promise<void>
  readonly send: Link['send']
  readonly run: Link['run']
  close(): void
}

const pauseMs = 50

/** As many as in every other store: what was taken counts for up to a hundredth longer than its window. */
const slotsPerWindow = 100

/**
 * Keys and values in a Redis 7 or later, one command or script on one key for each call, each with a deadline: `commandTimeoutMs`.
 * Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`; neither these nor what it rejects with shows a password.
 */
export function redisStore(options: RedisStoreOptions = {}): RedisStore {
  const settings = storeSettingsOf(options)
  const { commandTimeoutMs, client, prefix } = settings
  const connection = client === undefined ? ownConnection(settings) : borrowed(client)
  let isClosed = false

  /** Asked again when an answer is lost, but for a `once`: its second run would not tell its first from another caller's. */
  async function ask({ what, send, once = false }: Question, deadline: number): Promise<unknown> {
    for (;;) {
      if (isClosed) throw new MqError('MQ_CLOSED', 'The store was disconnected; make a new one')
      const remainingMs = deadline - performance.now()
      let failure: CommandError
      try {
        await connection.ready(Math.max(0, remainingMs))
        return await send()
      } catch (error) {
        if (error instanceof MqError && error.code !== 'MQ_CONNECTION_LOST') throw error
        failure = commandError(error)
      }
      const passes = (failure.kind === 'unanswered' && !once) || willPass(failure)
      if (!passes || performance.now() + pauseMs >= deadline) throw operationError(`${what} of the store`, failure)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const late = (): MqError => new MqError('MQ_TIMEOUT', `The store did not answer within ${commandTimeoutMs} ms`)
  const asked = (question: Question): Promise<unknown> =>
    withTimeout(ask(question, performance.now() + commandTimeoutMs), commandTimeoutMs + pauseMs, late)
  const command = (name: string, args: readonly Argument[], more: Pick<Question, 'once'> = {}): Promise<unknown> =>
    asked({ what: name, send: () => connection.send(name, args), ...more })
  const run = (script: Script, key: string, args: readonly Argument[], question: Omit<Question, 'send'>) =>
    asked({ ...question, send: () => connection.run(script, [key], args) })
  const textOf = (reply: unknown): string | undefined => (reply === null ? undefined : String(reply))

  // A value's own key may begin with anything: one more `~` keeps it apart from what is not a value.
  const valueKey = (key: string): string => prefix + (key.startsWith('~') ? `~${key}` : key)
  const leaseKey = (name: string): string => `${prefix}~lease:${name}`
  const windowKey = (key: string, windowMs: number): string => `${prefix}~window:${windowMs}:${key}`

  const store: RedisStore = {
    async claim(key, value, given) {
      requireEntry(key, { value, options: given })
      const ttlMs = Math.ceil(given.ttlMs)
      const found = textOf(await command('SET', [valueKey(key), value, 'NX', 'GET', 'PX', ttlMs]))
      return found ?? value
    },
    async put(key, value, given) {
      requireEntry(key, { value, options: given })
      await command('SET', [valueKey(key), value, 'PX', Math.ceil(given.ttlMs)])
    },
    async get(key) {
      requireEntry(key)
      return textOf(await command('GET', [valueKey(key)]))
    },
    async compareAndSet(key, value, given) {
      const { expected, ttlMs } = storeChecks.compareAndSet(key, value, given)
      const question = { what: 'compareAndSet', once: true }
      return (await run(compareAndSetScript, valueKey(key), [expected, value, ttlMs], question)) === 1
    },
    async delete(key, given = {}) {
      const { expected } = storeChecks.delete(key, given)
      const question = { what: 'delete', once: true }
      if (expected === undefined) return (await command('DEL', [valueKey(key)], question)) === 1
      return (await run(deleteExpectedScript, valueKey(key), [expected], question)) === 1
    },
    leases: {
      async acquire(name, given) {
        const { holder, limit, ttlMs } = storeChecks.acquire(name, given)
        const reply = await run(acquireScript, leaseKey(name), [holder, limit, ttlMs], { what: 'leases.acquire' })
        const retryAfterMs = Number(reply)
        return retryAfterMs < 0 ? { granted: true } : { granted: false, retryAfterMs }
      },
      async renew(name, given) {
        const { holder, ttlMs } = storeChecks.renew(name, given)
        return (await run(renewLeaseScript, leaseKey(name), [holder, ttlMs], { what: 'leases.renew' })) === 1
      },
      async release(name, given) {
        const { holder } = storeChecks.release(name, given)
        await command('ZREM', [leaseKey(name), holder])
      },
    },
    async take(key, given) {
      const { count, limit, windowMs, maxWaitMs } = storeChecks.take(key, given)
      const widthMs = Math.ceil(windowMs / slotsPerWindow)
      const args = [count, limit, widthMs, Math.ceil(windowMs / widthMs), maxWaitMs]
      const reply = await run(takeScript, windowKey(key, windowMs), args, { what: 'take' })
      const [granted, ms] = reply as readonly [number, number]
      return granted === 1 ? { granted: true, waitMs: ms } : { granted: false, retryAfterMs: ms }
    },
    async disconnect() {
      isClosed = true
      connection.close()
    },
    [Symbol.asyncDispose]: () => store.disconnect(),
  }
  return store
}

function ownConnection(settings: LinkSettings): Connection {
  const link = createLink(settings)
  let opening: Promise<void> | undefined
  return {
    async ready(timeoutMs) {
      opening ??= link.open().catch((error) => {
        opening = undefined
        throw error
      })
      await opening
      await link.whenUp(timeoutMs)
    },
    send: link.send,
    run: link.run,
    close: () => link.close(),
  }
}

function borrowed(client: Client): Connection {
  const send = async (command: string, args: readonly Argument[]): Promise<unknown> => {
    try {
      return await client.callBuffer(command, [...args])
    } catch (error) {
      throw commandError(error)
    }
  }
  return { ready: async () => {}, send, run: runBy(send), close: () => {} }
}
