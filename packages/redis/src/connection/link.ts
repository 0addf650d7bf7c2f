import { MqError, withTimeout } from '@mq/core/adapter'
import type { Redis } from 'ioredis'
import type { LinkSettings } from '../options/connection.js'
import { type Client, createClient } from './client.js'
import { bare, CommandError, closedError, commandError, connectError } from './errors.js'
import type { Script } from './script.js'
import { watchSilence } from './silence.js'

export type Argument = string | number | Buffer

/** One connection (with a cluster, one to each node) that comes back by itself, and whose commands always settle. */
export interface Link {
  /**
   * Rejects with `MQ_CONNECT_FAILED`, `MQ_CONNECT_TIMEOUT`, `MQ_AUTH_FAILED` or `MQ_TLS_FAILED`, or with `MQ_CLOSED` once it is
   * closed, and leaves nothing open.
   */
  open(): Promise<void>
  readonly isUp: boolean
  /** Then it never comes up again: there is nothing left to wait for. */
  readonly isClosed: boolean
  /** Counts the times that it came up: what was asked before the latest of them may have been lost on the way. */
  readonly generation: number
  /** Resolves once it is up, or at the latest after the time. */
  whenUp(timeoutMs: number): Promise<void>
  /** Sent once, never repeated. Rejects with a `CommandError`. */
  send(command: string, args: readonly Argument[], timeoutMs?: number): Promise<unknown>
  /**
   * As `send`. Sent once more, with its source, where the broker does not have the script. `onSent` is called each time, before
   * anything else is sent: the last time is the one that counted.
   */
  run(script: Script, keys: readonly string[], args: readonly Argument[], onSent?: () => void): Promise<unknown>
  close(): void
}

export interface LinkEvents {
  readonly up?: () => void
  readonly down?: (error: MqError) => void
}

const restartMs = 500
/** A slow link is no dead one: commands may take as long on top as a link of this speed takes for their bytes. */
const leastBytesPerSecond = 10_000

/** The driver asks a cluster's nodes for their slots over copies of their connections, and drops why one of these did not come up. */
function noteQuestions(node: Redis, note: (error: unknown) => void): void {
  const duplicate = node.duplicate.bind(node)
  node.duplicate = (options) => duplicate(options).on('error', note)
}

/** Runs scripts over a connection: by their hash, and where the broker does not have one, by its source. */
export const runBy =
  (send: Link['send']): Link['run'] =>
  async (script, keys, args, onSent) => {
    const rest = [keys.length, ...keys, ...args]
    const sent = (command: string, what: string): Promise<unknown> => {
      const reply = send(command, [what, ...rest])
      onSent?.()
      return reply
    }
    try {
      return await sent('EVALSHA', script.sha)
    } catch (error) {
      if (!(error instanceof CommandError) || error.word !== 'NOSCRIPT') throw error
      return await sent('EVAL', script.source)
    }
  }

export function createLink(settings: LinkSettings, events: LinkEvents = {}): Link {
  const { connectTimeoutMs, commandTimeoutMs } = settings
  const waiting = new Set<() => void>()
  const watch = watchSilence(leastBytesPerSecond)
  let client: Client | undefined
  let isUp = false
  let isClosed = false
  let generation = 0
  let lastError: Error | undefined
  let restart: NodeJS.Timeout | undefined
  let giveUp = (): void => {}

  const where = `${settings.address.host}:${settings.address.port}`
  const failure = (error: unknown): MqError => connectError(error, { where, timeoutMs: connectTimeoutMs })

  const came = (): void => {
    isUp = true
    generation += 1
    for (const resolve of [...waiting]) resolve()
    events.up?.()
  }
  const went = (): void => {
    if (!isUp) return
    isUp = false
    const cause = lastError ?? new Error('The connection was closed')
    if (!isClosed)
      events.down?.(new MqError('MQ_CONNECTION_LOST', `Lost Redis at ${where}: ${cause.message}`, { cause }))
  }

  /** The driver waits for ever where a server takes a connection and says nothing more. */
  function limitHandshake(made: Client): void {
    if ('nodes' in made) {
      for (const node of made.nodes()) limitHandshake(node)
      return void made.on('+node', limitHandshake)
    }
    let timer: NodeJS.Timeout | undefined
    made.on('connect', () => {
      // A node of a cluster is connected anew when it is asked for.
      timer = setTimeout(() => made.disconnect(made === client), connectTimeoutMs)
    })
    for (const event of ['ready', 'close']) made.on(event, () => clearTimeout(timer))
  }

  /** Once `watched`, a client that comes up, goes and ends tells so. */
  function begin(): { readonly made: Client; watch(): void } {
    const made = createClient(settings)
    client = made
    lastError = undefined
    const note = (error: unknown): void => {
      const told = bare(error)
      // It comes after the reason, where there was one.
      if (lastError === undefined || told.message !== 'Connection is closed.') lastError = told
    }
    made.on('error', note)
    if ('nodes' in made) made.on('+node', (node) => noteQuestions(node, note))
    const watch = (): void => {
      limitHandshake(made)
      made.on('ready', came)
      made.on('close', went)
      // The driver has given up, which it does where a connector fails: only a new client connects again.
      made.on('end', () => {
        went()
        if (client === made && !isClosed) restart = setTimeout(again, restartMs)
      })
    }
    return { made, watch }
  }
  function again(): void {
    const { made, watch } = begin()
    watch()
    made.connect().catch(() => {})
  }

  const link: Link = {
    async open() {
      if (isClosed) throw closedError()
      const { made, watch } = begin()
      settings.links.add(link)
      const late = (): Error => Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })
      const closing = new Promise<never>((_, reject) => {
        giveUp = () => reject(closedError())
      })
      try {
        await withTimeout(Promise.race([made.connect(), closing]), connectTimeoutMs, late)
      } catch (error) {
        // A close has disconnected it.
        if (isClosed) throw closedError()
        settings.links.delete(link)
        client = undefined
        made.disconnect()
        throw failure(lastError ?? error)
      }
      if (isClosed) throw closedError()
      watch()
      came()
    },
    get isUp() {
      return isUp
    },
    get isClosed() {
      return isClosed
    },
    get generation() {
      return generation
    },
    async whenUp(timeoutMs) {
      if (isUp || isClosed) return
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          waiting.delete(done)
          resolve()
        }
        const timer = setTimeout(done, timeoutMs)
        waiting.add(done)
      })
    },
    async send(command, args, timeoutMs = commandTimeoutMs) {
      const used = client
      if (!isUp || used === undefined || used.status !== 'ready') {
        throw new CommandError('unsent', lastError ?? new Error('Not connected'))
      }
      const bytes = args.reduce<number>((sum, arg) => sum + (typeof arg === 'number' ? 8 : arg.length), 0)
      const done = watch.begin(used, { bytes, timeoutMs })
      try {
        return await used.callBuffer(command, [...args])
      } catch (error) {
        throw commandError(error)
      } finally {
        done()
      }
    },
    run: runBy((command, args) => link.send(command, args)),
    close() {
      isClosed = true
      clearTimeout(restart)
      isUp = false
      for (const resolve of [...waiting]) resolve()
      settings.links.delete(link)
      client?.disconnect()
      giveUp()
    },
  }
  return link
}
