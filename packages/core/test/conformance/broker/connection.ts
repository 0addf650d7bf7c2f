import { MqError } from '../../../src/index.js'
import type { Faulty } from './mutation.js'
import type { ClientEnd } from './network.js'
import type { AdapterOptions } from './options.js'
import { Pulse } from './pulse.js'
import { registry } from './registry.js'
import type { Standstill } from './standstill.js'
import type { AnswerTo, Push, Refusal, Request, RequestOf, RequestType, ServerFrame } from './wire.js'

export interface ConnectionListener {
  push(push: Push, connection: Connection): void
  /** Called once when the connection ends, unless it was closed here. */
  lost(error: MqError, connection: Connection): void
}

interface Asked {
  readonly resolve: (answer: never) => void
  readonly reject: (error: MqError) => void
}

/** The client's side of one connection. */
export class Connection {
  readonly #end: ClientEnd
  readonly #listener: ConnectionListener
  readonly #faulty: Faulty
  readonly #standstill: Standstill
  readonly #asked = new Map<number, Asked>()
  #lastNumber = 0
  #silences = 0
  #pulse: Pulse | undefined
  #open = true

  constructor(
    end: ClientEnd,
    listener: ConnectionListener,
    { faulty, standstill }: Pick<AdapterOptions, 'faulty' | 'standstill'>,
  ) {
    this.#end = end
    this.#listener = listener
    this.#faulty = faulty
    this.#standstill = standstill
    end.receive({
      frame: (frame) => standstill.run(() => this.#receive(frame)),
      activity: () => {
        if (!faulty('slowTakenForDead')) this.#pulse?.activity()
      },
      closed: () => standstill.run(() => this.#lose('The broker closed the connection')),
    })
  }

  get isOpen(): boolean {
    return this.#open
  }

  /**
   * Throws `MQ_CONNECTION_LOST` if the connection has ended. If an answer and the end arrive together, the end is known
   * first.
   */
  requireOpen(): void {
    if (!this.#open) throw new MqError('MQ_CONNECTION_LOST', 'The connection has ended')
  }

  startPulse(heartbeatMs: number): void {
    this.#pulse = new Pulse(heartbeatMs, {
      beat: () => {
        if (!this.#standstill.isPaused) this.#end.send({ kind: 'beat' })
      },
      silent: () => {
        this.#silences += 1
        if (this.#faulty('silenceNoticedLate') && this.#silences < 80) return
        if (!this.#standstill.isPaused && !this.#faulty('noHeartbeat'))
          this.#lose(`The broker was silent for ${heartbeatMs} ms`)
      },
    })
  }

  /** Sends a request. Rejects with `MQ_CONNECTION_LOST` if the connection ends first, and if the broker refuses it. */
  ask<Type extends RequestType>(request: RequestOf<Type>): Promise<AnswerTo<Type>> {
    return new Promise((resolve, reject) => {
      if (!this.#open) {
        reject(new MqError('MQ_CONNECTION_LOST', 'The connection has ended'))
        return
      }
      this.#lastNumber += 1
      this.#asked.set(this.#lastNumber, { resolve, reject })
      this.#end.send({ kind: 'request', number: this.#lastNumber, request: request as Request })
    })
  }

  /** Closes without a message to the broker, which learns of it from the network. */
  close(): void {
    this.#close(new MqError('MQ_CONNECTION_LOST', 'The connection was closed'))
  }

  /** Ends as if the client had broken the protocol. */
  break(): void {
    this.#lose('The client broke the connection')
  }

  #lose(text: string): void {
    if (!this.#open) return
    const error = new MqError('MQ_CONNECTION_LOST', text)
    this.#close(error)
    this.#listener.lost(error, this)
  }

  #close(error: MqError): void {
    if (!this.#open) return
    this.#open = false
    this.#pulse?.stop()
    this.#end.close()
    const asked = [...this.#asked.values()]
    this.#asked.clear()
    for (const { reject } of asked) reject(error)
  }

  #receive(frame: ServerFrame): void {
    if (this.#faulty('slowTakenForDead')) this.#pulse?.activity()
    if (frame.kind === 'beat') return
    if (frame.kind === 'push') {
      this.#listener.push(frame.push, this)
      return
    }
    const asked = this.#asked.get(frame.number)
    this.#asked.delete(frame.number)
    if (frame.kind === 'answer') asked?.resolve(frame.answer as never)
    else asked?.reject(refusalError(frame.reason))
  }
}

function refusalError(reason: Refusal): MqError {
  if (reason === 'password') return new MqError('MQ_AUTH_FAILED', 'The broker does not know this password')
  if (reason === 'no-group') return new MqError('MQ_GROUP_MISSING', 'The topic has no such group')
  if (reason === 'no-page') return new MqError('MQ_INVALID_OPTION', 'after is not the next of a page of this list')
  if (reason === 'no-place') return new MqError('MQ_TOPIC_MISSING', 'The broker has no place of this name')
  return new MqError('MQ_OPERATION_FAILED', `The broker refused: ${reason}`)
}

export interface OpenedConnection {
  readonly connection: Connection
  readonly blocked: boolean
}

/**
 * Connects and logs in. Rejects with `MQ_CONNECT_FAILED`, `MQ_CONNECT_TIMEOUT`, `MQ_AUTH_FAILED` or `MQ_TLS_FAILED`, and
 * leaves nothing open.
 */
export async function openConnection(
  options: AdapterOptions,
  listener: ConnectionListener,
  signal: AbortSignal,
): Promise<OpenedConnection> {
  const { faulty } = options
  const connection = new Connection(await dial(options), listener, options)
  if (options.tls && !faulty('untrustedAccepted')) {
    connection.close()
    const code = faulty('untrustedUntyped') ? 'MQ_CONNECT_FAILED' : 'MQ_TLS_FAILED'
    throw new MqError(code, `The certificate of ${options.broker} is signed by nobody that is trusted`)
  }
  let late = false
  const timer = setTimeout(() => {
    if (faulty('connectIgnoresTimeout')) return
    late = true
    connection.close()
  }, options.connectTimeoutMs)
  const giveUp = (): void => connection.close()
  signal.addEventListener('abort', giveUp)
  if (signal.aborted) giveUp()
  const { password, heartbeatMs } = options
  try {
    const { blocked } = await connection.ask<'login'>({ type: 'login', password, heartbeatMs })
    connection.requireOpen()
    connection.startPulse(heartbeatMs)
    return { connection, blocked }
  } catch (cause) {
    if (!faulty('failedConnectLeavesConnection')) connection.close()
    if (late) {
      const text = `${options.broker} did not answer within ${options.connectTimeoutMs} ms`
      throw new MqError('MQ_CONNECT_TIMEOUT', text)
    }
    if (cause instanceof MqError && cause.code === 'MQ_AUTH_FAILED') throw authError(cause, options)
    throw new MqError('MQ_CONNECT_FAILED', `${options.broker} ended the connection`, { cause })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

function authError(error: MqError, { faulty, password }: AdapterOptions): MqError {
  if (faulty('wrongPasswordUntyped')) return new MqError('MQ_CONNECT_FAILED', error.message)
  if (faulty('secretInError')) return new MqError('MQ_AUTH_FAILED', `The broker does not know the password ${password}`)
  return error
}

async function dial({ broker, route }: AdapterOptions): Promise<ClientEnd> {
  try {
    const found = registry.find(broker)
    if (found === undefined) throw new Error('connect ECONNREFUSED')
    return await found.connect(route)
  } catch (cause) {
    throw new MqError('MQ_CONNECT_FAILED', `Nobody listens at ${broker}`, { cause })
  }
}
