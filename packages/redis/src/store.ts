import { MqError, requireEntry, type TaskStore, withTimeout } from '@mq/core/adapter'
import type { Client } from './client.js'
import { type CommandError, commandError, operationError, willPass } from './errors.js'
import { type Argument, createLink } from './link.js'
import { type RedisOptions, settingsOf } from './options.js'

/** Where the store is, as for `redis()`; or a client of the application's own. */
export interface RedisStoreOptions
  extends Pick<
    RedisOptions,
    | 'url'
    | 'username'
    | 'password'
    | 'db'
    | 'tls'
    | 'sentinel'
    | 'cluster'
    | 'createClient'
    | 'connectTimeoutMs'
    | 'commandTimeoutMs'
  > {
  /** A connected client of ioredis, instead of all the others. It stays open when the store is disconnected. */
  readonly client?: Client
  /** What every key begins with. `mq:store:` where none is given. Letters, digits, `.`, `_`, `-` and `:`. */
  readonly prefix?: string
}

/** A store that every process reaches. It connects with its first question; after that the connection heals by itself. */
export interface RedisStore extends TaskStore, AsyncDisposable {
  /** Closes its connection. Always resolves, may be called twice, and is final. */
  disconnect(): Promise<void>
}

type Send = (command: string, args: readonly Argument[]) => Promise<unknown>

interface Connection {
  /** Resolves once a command can be sent, or when it has taken too long. */
  ready(timeoutMs: number): Promise<void>
  readonly send: Send
  close(): void
}

const pauseMs = 50

/**
 * Keys and values in a Redis 7 or later, one command for each question, each with a deadline: `commandTimeoutMs`.
 * Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`; neither these nor what it rejects with shows a password.
 */
export function redisStore(options: RedisStoreOptions = {}): RedisStore {
  const { client, ...given } = options
  // It never waits for messages: the least of pollMs leaves every commandTimeoutMs allowed.
  const settings = settingsOf({ pollMs: 10, prefix: 'mq:store:', ...given })
  const { commandTimeoutMs, prefix } = settings
  if (client !== undefined && typeof client.call !== 'function') throw new TypeError('client must be one of ioredis')
  const connection = client === undefined ? ownConnection(settings) : borrowed(client)
  let isClosed = false

  /** Asked again when an answer is lost: all three questions may be carried out twice. */
  async function ask(command: string, args: readonly Argument[], deadline: number): Promise<unknown> {
    for (;;) {
      if (isClosed) throw new MqError('MQ_CLOSED', 'The store was disconnected; make a new one')
      const remainingMs = deadline - performance.now()
      let failure: CommandError
      try {
        await connection.ready(Math.max(0, remainingMs))
        return await connection.send(command, args)
      } catch (error) {
        if (error instanceof MqError && error.code !== 'MQ_CONNECTION_LOST') throw error
        failure = commandError(error)
      }
      const passes = failure.kind === 'unanswered' || willPass(failure)
      if (!passes || performance.now() + pauseMs >= deadline) throw operationError(`${command} of the store`, failure)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const late = (): MqError => new MqError('MQ_TIMEOUT', `The store did not answer within ${commandTimeoutMs} ms`)
  const asked = (command: string, args: readonly Argument[]): Promise<unknown> =>
    withTimeout(ask(command, args, performance.now() + commandTimeoutMs), commandTimeoutMs + pauseMs, late)
  const textOf = (reply: unknown): string | undefined => (reply === null ? undefined : String(reply))

  const store: RedisStore = {
    async claim(key, value, given) {
      requireEntry(key, { value, options: given })
      const ttlMs = Math.ceil(given.ttlMs)
      const found = textOf(await asked('SET', [prefix + key, value, 'NX', 'GET', 'PX', ttlMs]))
      return found ?? value
    },
    async put(key, value, given) {
      requireEntry(key, { value, options: given })
      await asked('SET', [prefix + key, value, 'PX', Math.ceil(given.ttlMs)])
    },
    async get(key) {
      requireEntry(key)
      return textOf(await asked('GET', [prefix + key]))
    },
    async disconnect() {
      isClosed = true
      connection.close()
    },
    [Symbol.asyncDispose]: () => store.disconnect(),
  }
  return store
}

function ownConnection(settings: ReturnType<typeof settingsOf>): Connection {
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
    send: (command, args) => link.send(command, args),
    close: () => link.close(),
  }
}

const borrowed = (client: Client): Connection => ({
  ready: async () => {},
  send: async (command, args) => {
    try {
      return await client.callBuffer(command, [...args])
    } catch (error) {
      throw commandError(error)
    }
  },
  close: () => {},
})
