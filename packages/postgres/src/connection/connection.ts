import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { Client } from 'pg'
import type { PostgresPoolClient } from '../options/pool.js'
import type { Settings } from '../options.js'
import { lateError, StatementError, statementError } from './errors.js'

/** One connection to the server. Each of its statements settles in time. */
export interface Connection {
  readonly isOpen: boolean
  /** Rejects with a `StatementError`. The connection is closed if nobody knows what became of the statement. */
  query(text: string, values?: readonly unknown[], timeoutMs?: number): Promise<readonly Row[]>
  onNotification(listener: (payload: string) => void): void
  /** Called once, when the connection has ended for whatever reason. */
  onEnd(listener: (error: Error) => void): void
  /** Ends the connection at once. */
  close(): void
}

export type Row = Readonly<Record<string, unknown>>

/** A statement gets additional time for its bytes, so that a connection of this speed does not pass for a dead one. */
const minBytesPerSecond = 10_000

/** The parts of the driver's client, be it ours or one of a pool. */
interface Driver {
  readonly client: Pick<PostgresPoolClient, 'query' | 'on'>
  /** Undefined if the driver does not show it. */
  readonly socket: Socket | undefined
  /** Ends it, after an error or not. */
  readonly destroy: () => void
}

/** Opens a connection of our own. Rejects with the error of the driver. `isConsuming` lets it write if new transactions are read-only. */
export async function openConnection(
  settings: Settings,
  { isConsuming }: { readonly isConsuming: boolean },
): Promise<Connection> {
  const { address, connectTimeoutMs, applicationName, listen } = settings
  const { host, port, user, database, tls, isDirectTls } = address
  const client = new Client({
    host,
    port,
    user,
    database,
    password: address.password,
    ssl: tls ?? false,
    ...(isDirectTls && { sslnegotiation: 'direct' as const }),
    application_name: applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: connectTimeoutMs,
    // A pooler in transaction mode takes no settings of a session.
    ...(listen && { options: sessionOptions(settings, isConsuming) }),
  })
  let failure: Error | undefined
  client.on('error', (error) => {
    failure ??= error
  })
  const socket = socketOf(client)
  try {
    await client.connect()
  } catch (error) {
    socket?.destroy()
    throw failure ?? error
  }
  const connection = wrap({ client, socket: socketOf(client), destroy }, settings)
  function destroy(): void {
    client.end().catch(() => {})
    // A goodbye may never be sent.
    setTimeout(() => socketOf(client)?.destroy(), goodbyeMs).unref()
  }
  return connection
}

/** How long a connection may take to say goodbye. */
const goodbyeMs = 250

function sessionOptions({ commandTimeoutMs }: Settings, isConsuming: boolean): string {
  const values: Record<string, string | number> = {
    default_transaction_isolation: 'read\\ committed',
    // The server gives up soon after nobody waits for the answer any more.
    statement_timeout: 4 * commandTimeoutMs,
    ...(isConsuming && { default_transaction_read_only: 'off' }),
  }
  return Object.entries(values)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
}

/** Uses a connection of a pool of the application. `release` gives it back. */
export const wrapPooled = (client: PostgresPoolClient, settings: Settings): Connection =>
  wrap({ client, socket: socketOf(client), destroy: () => client.release(true) }, settings)

const socketOf = (client: unknown): Socket | undefined =>
  (client as { readonly connection?: { readonly stream?: Socket } }).connection?.stream

function wrap({ client, socket, destroy }: Driver, settings: Settings): Connection {
  const endListeners: ((error: Error) => void)[] = []
  let isOpen = true
  let failure: Error | undefined
  /** The driver takes one statement at a time. */
  let busy: Promise<unknown> = Promise.resolve()

  function end(error: Error): void {
    if (!isOpen) return
    isOpen = false
    for (const listener of endListeners) listener(failure ?? error)
  }

  client.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error))
    end(failure)
  })
  client.on('end', () => end(new Error('The connection was closed')))

  function close(): void {
    const wasOpen = isOpen
    isOpen = false
    if (wasOpen || socket?.destroyed === false) destroy()
  }

  async function send(text: string, values: readonly unknown[], timeoutMs: number): Promise<readonly Row[]> {
    if (!isOpen) throw new StatementError('unsent', failure?.message ?? 'Not connected', { cause: failure })
    const statement = {
      text,
      values: [...values],
      ...(settings.listen && values.length > 0 && { name: nameOf(text) }),
    }
    try {
      const { rows } = await answered(client.query(statement), { socket, timeoutMs: timeoutMs + uploadMs(values) })
      return rows as readonly Row[]
    } catch (cause) {
      const error = statementError(cause)
      if (error.kind === 'unanswered') {
        const wasOpen = isOpen
        end(error)
        if (wasOpen) {
          destroy()
          socket?.destroy()
        }
      }
      throw error
    }
  }

  return {
    get isOpen() {
      return isOpen
    },
    query(text, values = [], timeoutMs = settings.commandTimeoutMs) {
      const answer = busy.then(() => send(text, values, timeoutMs))
      busy = answer.catch(() => {})
      return answer
    },
    onNotification(listener) {
      client.on('notification', (value) => listener((value as { readonly payload?: string }).payload ?? ''))
    },
    onEnd: (listener) => void endListeners.push(listener),
    close,
  }
}

const uploadMs = (values: readonly unknown[]): number => {
  let bytes = 0
  for (const value of values) if (value instanceof Uint8Array || typeof value === 'string') bytes += value.length
  return (bytes / minBytesPerSecond) * 1_000
}

/** How often a statement may be late while bytes still arrive. */
const maxExtensions = 30

/** Waits for an answer for as long as bytes arrive. */
async function answered<T>(
  answer: Promise<T>,
  { socket, timeoutMs }: { readonly socket: Socket | undefined; readonly timeoutMs: number },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    let bytes = socket?.bytesRead
    let extensions = 0
    const look = (): void => {
      const now = socket?.bytesRead
      if (now === bytes || extensions === maxExtensions) {
        reject(lateError('A statement', Math.round(timeoutMs)))
        return
      }
      bytes = now
      extensions += 1
      timer = setTimeout(look, timeoutMs)
    }
    timer = setTimeout(look, timeoutMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
    answer.catch(() => {})
  }
}

const names = new Map<string, string>()

/** Returns the name under which a connection keeps the plan of a statement. There are as many as this package has statements. */
function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = `mq_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`
    names.set(text, name)
  }
  return name
}
