import { type CompleteStore, MqError, requireEntry, storeChecks, withTimeout } from '@mq/core/adapter'
import { type CommandError, commandError, operationError, willPass } from './connection/errors.js'
import type { Argument, Script } from './connection/script.js'
import { type StoreConnection, storeConnections } from './store/connection.js'
import { type RedisStoreOptions, storeSettingsOf } from './store/options.js'
import {
  acquireScript,
  compareAndSetScript,
  deleteExpectedScript,
  renewLeaseScript,
  takeScript,
} from './store/scripts.js'

/** A store that all processes share. It connects with its first call, and from then on it reconnects by itself. */
export interface RedisStore extends CompleteStore, AsyncDisposable {
  /** Closes the store's own connection, for good. Always resolves and may be called twice. */
  disconnect(): Promise<void>
}

interface Request {
  /** Names the call in an error. */
  readonly what: string
  readonly send: (connection: StoreConnection) => Promise<unknown>
  /** A second run could not tell the first one from that of another caller, so it is not repeated after a lost answer. */
  readonly once?: boolean
}

const pauseMs = 50

/** Every store has as many slots: a count stays for up to a hundredth longer than its window. */
const slotsPerWindow = 100

/**
 * Creates a store in Redis 7.0 or newer. Each call is one command or script on one key, and takes no longer than `commandTimeoutMs`.
 * Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. No error shows a password, and neither do those of its calls.
 */
export function redisStore(options: RedisStoreOptions = {}): RedisStore {
  const settings = storeSettingsOf(options)
  const { commandTimeoutMs, client, prefix } = settings
  const connections = storeConnections(settings, client)
  let isClosed = false

  async function attempt({ what, send, once = false }: Request, endsAt: number): Promise<unknown> {
    const connection = once ? connections.once : connections.shared
    for (;;) {
      if (isClosed) throw new MqError('MQ_CLOSED', 'The store was disconnected; create a new one')
      const remainingMs = endsAt - performance.now()
      let failure: CommandError
      try {
        await connection.ready(Math.max(0, remainingMs))
        return await send(connection)
      } catch (error) {
        if (error instanceof MqError && error.code !== 'MQ_CONNECTION_LOST') throw error
        failure = commandError(error)
      }
      const mayPass = (failure.kind === 'unanswered' && !once) || willPass(failure)
      if (!mayPass || performance.now() + pauseMs >= endsAt) throw operationError(`${what} of the store`, failure)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const timedOut = (): MqError => new MqError('MQ_TIMEOUT', `The store did not answer within ${commandTimeoutMs} ms`)
  const request = (details: Request): Promise<unknown> =>
    withTimeout(attempt(details, performance.now() + commandTimeoutMs), commandTimeoutMs + pauseMs, timedOut)
  const command = (name: string, args: readonly Argument[], more: Pick<Request, 'once'> = {}): Promise<unknown> =>
    request({ what: name, send: (connection) => connection.send(name, args), ...more })
  const run = (script: Script, key: string, args: readonly Argument[], more: Omit<Request, 'send'>): Promise<unknown> =>
    request({ ...more, send: (connection) => connection.run(script, [key], args) })
  const textOf = (reply: unknown): string | undefined => (reply === null ? undefined : String(reply))

  // Keys of values may begin with anything. Another `~` keeps them apart from leases and windows.
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
      const more = { what: 'compareAndSet', once: true }
      return (await run(compareAndSetScript, valueKey(key), [expected, value, ttlMs], more)) === 1
    },
    async delete(key, given = {}) {
      const { expected } = storeChecks.delete(key, given)
      const more = { what: 'delete', once: true }
      if (expected === undefined) return (await command('DEL', [valueKey(key)], more)) === 1
      return (await run(deleteExpectedScript, valueKey(key), [expected], more)) === 1
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
      connections.shared.close()
      connections.once.close()
    },
    [Symbol.asyncDispose]: () => store.disconnect(),
  }
  return store
}
