import type { MessagePort } from 'node:worker_threads'
import { type Loss, Member, type MemberListener } from '../member.js'
import { errorOf, partsOf } from './error-parts.js'
import type { FromThread, MemberPlan, MemberState, ToThread } from './messages.js'
import { sharedTime } from './monotonic.js'
import { createSharedConnections, type SharedConnections } from './shared-connections.js'

const checkEveryMs = 250
const leaveMs = 5_000

interface ServedOptions {
  readonly number: number
  readonly plan: MemberPlan
  readonly validity: SharedArrayBuffer
  readonly shared: SharedConnections
  readonly send: (message: FromThread) => void
}

/** One member in the thread, for as long as its consumer wants it. After a silence of the main thread, it is a new one. */
class Served {
  readonly #number: number
  readonly #plan: MemberPlan
  /** Holds the time until which the group certainly keeps what the member owns. The main thread reads it. */
  readonly #validUntil: Float64Array
  readonly #shared: SharedConnections
  readonly #send: (message: FromThread) => void
  readonly #waiting = new Map<number, { resolve(): void; reject(error: Error): void }>()
  #calls = 0
  /** How often the main thread was told that everything is lost. */
  #losses = 0
  #current: Member | undefined

  constructor({ number, plan, validity, shared, send }: ServedOptions) {
    this.#number = number
    this.#plan = plan
    this.#validUntil = new Float64Array(validity)
    this.#shared = shared
    this.#send = send
  }

  get maxStallMs(): number {
    return this.#plan.maxStallMs
  }

  get isStarted(): boolean {
    return this.#current !== undefined
  }

  start(): void {
    const { client, connections, ...options } = this.#plan
    const member = new Member({ ...options, cluster: this.#shared.open(connections, client) })
    this.#current = member
    const isCurrent = (): boolean => this.#current === member
    const send = (message: FromThread): void => {
      if (isCurrent()) this.#send(message)
    }
    const number = this.#number
    let sent: MemberState | undefined
    const listener: MemberListener = {
      assigned: (partitions) => this.#call((call) => send({ type: 'assigned', member: number, call, partitions })),
      revoked: (partitions) => this.#call((call) => send({ type: 'revoked', member: number, call, partitions })),
      lost: (_, loss) => {
        if (isCurrent()) this.#lost(loss)
      },
      joined: (pending) => send({ type: 'joined', member: number, pending }),
      failing: (error) => send({ type: 'failing', member: number, error: partsOf(error) }),
      changed: () => {
        if (!isCurrent()) return
        this.#validUntil[0] = sharedTime(member.validUntil)
        const { isIn, isAwaited, memberId, generation } = member
        const state = { isIn, isAwaited, memberId, generation }
        if (isSame(state, sent)) return
        sent = state
        send({ type: 'state', member: number, state })
      },
    }
    member.start(listener)
  }

  /** Leaves the group, because the main thread does nothing for it. */
  async leave(cause: Error): Promise<void> {
    this.#lost({ cause, stoodStill: true })
    await this.stop(leaveMs)
  }

  fenced(generation: number): void {
    this.#current?.fenced(generation)
  }

  /** Ignores a loss that the main thread noticed before it heard of the same one from here. */
  giveUp(cause: Error, losses: number): void {
    if (losses === this.#losses) this.#current?.giveUp(cause)
  }

  taken(call: number, error: Error | undefined): void {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    if (error === undefined) waiting?.resolve()
    else waiting?.reject(error)
  }

  async stop(timeoutMs: number): Promise<void> {
    const current = this.#current
    this.#current = undefined
    for (const { reject } of this.#waiting.values()) reject(new Error('The member is stopped'))
    this.#waiting.clear()
    await current?.stop(timeoutMs)
    if (current !== undefined) this.#shared.close(this.#plan.connections)
  }

  #lost({ cause, stoodStill }: Loss): void {
    this.#validUntil[0] = Number.NEGATIVE_INFINITY
    this.#losses += 1
    this.#send({ type: 'lost', member: this.#number, cause: partsOf(cause), stoodStill })
  }

  #call(send: (call: number) => void): Promise<void> {
    this.#calls += 1
    const call = this.#calls
    return new Promise<void>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject })
      send(call)
    })
  }
}

const isSame = (one: MemberState, other: MemberState | undefined): boolean =>
  one.isIn === other?.isIn &&
  one.isAwaited === other.isAwaited &&
  one.memberId === other.memberId &&
  one.generation === other.generation

/** Runs members for the main thread, until the thread is ended. */
export function serveMembers(
  port: Pick<MessagePort, 'on' | 'postMessage'>,
  shared: SharedConnections = createSharedConnections(),
): void {
  const members = new Map<number, Served>()
  let aliveAt = performance.now()
  const send = (message: FromThread): void => port.postMessage(message)

  port.on('message', (message: ToThread) => {
    aliveAt = performance.now()
    if (message.type === 'alive') {
      for (const member of members.values()) if (!member.isStarted) member.start()
      return
    }
    if (message.type === 'start') {
      const { member: number, plan, validity } = message
      const served = new Served({ number, plan, validity, shared, send })
      members.set(number, served)
      served.start()
      return
    }
    const served = members.get(message.member)
    if (message.type === 'taken') {
      served?.taken(message.call, message.error === undefined ? undefined : errorOf(message.error))
    } else if (message.type === 'fenced') {
      served?.fenced(message.generation)
    } else if (message.type === 'lost') {
      served?.giveUp(errorOf(message.cause), message.losses)
    } else {
      members.delete(message.member)
      const stopping = served?.stop(message.timeoutMs) ?? Promise.resolve()
      void stopping.finally(() => send({ type: 'stopped', member: message.member }))
    }
  })

  setInterval(() => {
    const silentMs = performance.now() - aliveAt
    for (const served of members.values()) {
      if (!served.isStarted || silentMs <= served.maxStallMs) continue
      void served.leave(new Error(`The main thread has done nothing for ${served.maxStallMs} ms`))
    }
  }, checkEveryMs)
}
