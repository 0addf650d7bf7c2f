import {
  type AdapterConfig,
  isMqError,
  type Log,
  loadAdapter,
  openQueue,
  type Queue,
  queueConfigFromEnv,
} from '@mq/core'
import { CommandFailure, exitCode, usageFailure } from './exit-codes.js'
import type { Screen } from './output/screen.js'
import type { Terminal } from './terminal.js'

/** The options that every command has. */
export interface GlobalOptions {
  readonly url?: string
  readonly json?: boolean
  readonly yes?: boolean
}

/** The surroundings of a command. */
export interface Session extends Terminal {
  readonly screen: Screen
  readonly options: GlobalOptions
  /** Opens the queue, does the work, and disconnects. */
  withQueue<Result>(
    work: (queue: Queue) => Promise<Result>,
    options?: { readonly isWatching?: boolean },
  ): Promise<Result>
  /** The URL of the queue. Throws if there is neither `--url` nor `MQ_URL`. */
  url(): string
  /** The URL, with the management API of RabbitMQ if there is one: the URL of the queue has no place for it. */
  address(): string | AdapterConfig
}

/** A large part of a long operation may take longer than a single call of an application. */
const operationTimeoutMs = 60_000

const quiet = (): void => {}
export const silent: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

export function createSession(terminal: Terminal, screen: Screen, options: GlobalOptions): Session {
  const url = (): string => {
    const given = options.url ?? terminal.env.MQ_URL
    if (!given) throw usageFailure('Where is the queue? Give --url, or set MQ_URL, as in MQ_URL=redis://localhost:6379')
    return given
  }
  const address = (): string | AdapterConfig => {
    const given = url()
    const management = terminal.env.MQ_MANAGEMENT_URL
    if (!management || !/^amqps?:/i.test(given)) return given
    return { type: 'rabbitmq', url: given, management: { url: management } }
  }
  return {
    ...terminal,
    screen,
    options,
    url,
    address,
    async withQueue(work, { isWatching = false } = {}) {
      const { options: queueOptions } = queueConfigFromEnv({ ...terminal.env, MQ_URL: url() })
      const adapter = await loadAdapter(address(), { adapters: terminal.adapters })
      const queue = await openQueue(adapter, { operationTimeoutMs, ...queueOptions, log: silent })
      // A command that goes on for long reports failures meanwhile. The others end with theirs.
      if (isWatching) queue.on('error', ({ error }) => screen.note(`mq: ${describe(error)}`))
      if (isWatching) queue.on('state', ({ state }) => state === 'reconnecting' && screen.note('mq: connection lost'))
      try {
        return await work(queue)
      } catch (error) {
        // The adapter's advice is an option of a program. Here a variable says the same.
        const isManaged = isMqError(error, 'MQ_NOT_SUPPORTED') && error.message.includes('management:')
        if (!isManaged) throw error
        const advice = 'for this command, set MQ_MANAGEMENT_URL=http://host:15672'
        throw new CommandFailure(exitCode.failed, `${describe(error)}; ${advice}`)
      } finally {
        await queue.disconnect({ timeoutMs: 1_000 })
      }
    },
  }
}

/** Describes an error for a person, without its stack and without a password. */
export function describe(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  const text = typeof message === 'string' ? message : String(error)
  return typeof code === 'string' ? `${code}: ${text}` : text
}
