import type { Broker } from './broker.js'
import { type Group, storeAside } from './group.js'
import type { Member } from './member.js'
import type { ServerEnd } from './network.js'
import { Pulse } from './pulse.js'
import { Refused } from './refused.js'
import {
  type AnswerTo,
  type ClientFrame,
  maxStoredBytes,
  messageSize,
  type Push,
  type Request,
  type RequestOf,
  type ServerFrame,
  type Subscribe,
} from './wire.js'

/** The broker's side of one connection. */
export class Session {
  readonly #broker: Broker
  readonly #end: ServerEnd
  readonly #ended: () => void
  readonly #members = new Map<string, { readonly member: Member; readonly group: Group }>()
  /** The publishes that wait until the broker accepts messages again. */
  #parked: (() => void)[] = []
  #pulse: Pulse | undefined
  #open = true
  /** Whether its members have lost their messages, although it is still open. */
  #isGivenUp = false

  constructor(broker: Broker, end: ServerEnd, ended: () => void) {
    this.#broker = broker
    this.#end = end
    this.#ended = ended
    end.receive({
      frame: (frame) => this.#receive(frame),
      activity: () => {
        if (!broker.faulty('slowTakenForDead')) this.#pulse?.activity()
      },
      closed: () => this.end(),
    })
  }

  /** Handles the end of the connection. Messages of its consumers run again elsewhere. */
  end(): void {
    if (!this.#open) return
    this.#open = false
    this.#pulse?.stop()
    this.#parked = []
    this.#end.close()
    for (const consumer of [...this.#members.keys()]) this.#leave(consumer, this.#broker.faulty('lostEphemeralStays'))
    this.#ended()
  }

  blockedChanged(): void {
    this.#push({ type: 'blocked', blocked: this.#broker.blocked })
    if (this.#broker.blocked) return
    const parked = this.#parked
    this.#parked = []
    for (const publish of parked) publish()
  }

  #receive(frame: ClientFrame): void {
    const { blocked, faulty } = this.#broker
    if (faulty('slowTakenForDead')) this.#pulse?.activity()
    if (this.#isGivenUp && (frame.kind === 'beat' || frame.request.type !== 'settle')) this.end()
    if (!this.#open || frame.kind === 'beat') return
    const { number, request } = frame
    const answer = (): void => this.#answer(number, request)
    const waits = request.type === 'publish' || (request.type === 'settle' && faulty('blockedBlocksSettlements'))
    if (blocked && waits) this.#parked.push(answer)
    else if (request.type === 'publish' && faulty('ephemeralHoldsUp')) this.#whenNotHeldUp(request.topic, answer)
    else if (request.type === 'publish' && this.#isOversize(request)) this.end()
    else answer()
  }

  #whenNotHeldUp(topic: string, publish: () => void): void {
    if (!this.#open) return
    if (this.#broker.isHeldUp(topic)) setTimeout(() => this.#whenNotHeldUp(topic, publish), 10)
    else publish()
  }

  #isOversize({ messages }: RequestOf<'publish'>): boolean {
    const isTooLarge = messages.some(({ message }) => messageSize(message) > maxStoredBytes)
    return isTooLarge && this.#broker.faulty('oversizeKillsConnection')
  }

  #answer(number: number, request: Request): void {
    const sent = this.#carriedOut(number, request)
    if (this.#broker.dropsNextAnswer && request.type !== 'login') {
      this.#broker.dropsNextAnswer = false
      this.end()
    } else this.#send(sent)
    if (request.type === 'bye') this.end()
  }

  #carriedOut(number: number, request: Request): ServerFrame {
    try {
      if (this.#pulse === undefined && request.type !== 'login') throw new Refused('not-logged-in')
      return { kind: 'answer', number, answer: this.#carryOut(request) }
    } catch (error) {
      if (error instanceof Refused) return { kind: 'refusal', number, reason: error.reason }
      throw error
    }
  }

  #carryOut(request: Request): AnswerTo<Request['type']> {
    const broker = this.#broker
    switch (request.type) {
      case 'login':
        return this.#login(request)
      case 'publish':
        return request.messages.map((message) => broker.publish(request.topic, message))
      case 'declare':
        broker.declare(request.ref, request.startAt)
        return undefined
      case 'delete':
        return broker.delete(request.ref)
      case 'subscribe':
        return this.#subscribe(request)
      case 'pause':
        this.#pause(request.consumer)
        return undefined
      case 'cancel':
        this.#cancel(request.consumer)
        return undefined
      case 'settle':
        this.#settle(request)
        return undefined
      case 'list':
        return broker.find(request.ref)?.deadLetters.list(request.limit) ?? []
      case 'replay':
        return this.#replay(request)
      case 'purge':
        return broker.find(request.ref)?.deadLetters.purge(request.entryIds) ?? 0
      case 'stats':
        return broker.stats(request.ref)
      case 'topics':
        return broker.topics(request)
      case 'groups':
        return broker.groups(request.topic, request)
      case 'waiting':
        return broker.waiting(request.ref, request)
      case 'remove':
        return broker.remove(request.ref, request.entryIds)
      case 'runNow':
        return broker.runNow(request.ref, request.entryIds)
      case 'pauseGroup':
        broker.pause(
          request.ref,
          request.mark,
          [...this.#members.values()].map(({ member }) => member),
        )
        return undefined
      case 'resumeGroup':
        broker.find(request.ref)?.resume()
        return undefined
      case 'bye':
        return undefined
    }
  }

  #login({ password, heartbeatMs }: RequestOf<'login'>): AnswerTo<'login'> {
    if (password !== this.#broker.password) throw new Refused('password')
    this.#pulse = new Pulse(heartbeatMs, { beat: () => this.#send({ kind: 'beat' }), silent: () => this.#silent() })
    return { blocked: this.#broker.blocked }
  }

  #silent(): void {
    const { faulty } = this.#broker
    if (faulty('noFenceAfterSilence') || faulty('lateFailureTaken')) this.#giveUp()
    else if (!faulty('noHeartbeat')) this.end()
  }

  /** Takes the messages from its members, and listens on. */
  #giveUp(): void {
    this.#isGivenUp = true
    for (const { member, group } of this.#members.values()) group.leave(member)
  }

  #subscribe(options: Subscribe): boolean {
    const { ref, consumer, ephemeral } = options
    const group = ephemeral ? this.#broker.openEphemeral(ref) : this.#broker.find(ref)
    if (group === undefined) return false
    const member: Member = {
      options,
      held: new Map(),
      heldSince: new Map(),
      paused: false,
      deliver: ({ delivery, entry: { message, runs, failure } }) => {
        this.#push({ type: 'deliver', consumer, delivery, message, attempt: runs, ...(failure && { failure }) })
      },
      told: (mark) => this.#push({ type: 'paused', consumer, mark }),
      cancelled: (loss) => {
        this.#members.delete(consumer)
        this.#push({ type: 'cancelled', consumer, ...loss })
      },
    }
    this.#members.set(consumer, { member, group })
    group.join(member)
    return true
  }

  #pause(consumer: string): void {
    const found = this.#members.get(consumer)
    if (found !== undefined) found.member.paused = true
  }

  #cancel(consumer: string): void {
    const found = this.#members.get(consumer)
    found?.group.cancel(found.member)
    this.#leave(consumer)
  }

  #replay(request: RequestOf<'replay'>): number {
    const broker = this.#broker
    if (broker.faulty('replayRemovesFirst')) return this.#replaySlowly(request)
    if (!(broker.blocked && broker.faulty('replayRemovesWhileBlocked'))) {
      return broker.replay(request.ref, request.entryIds)
    }
    const sends = broker.find(request.ref)?.replays(request.entryIds) ?? []
    this.#parked.push(...sends)
    return sends.length
  }

  /** Removes all entries, and sends one after the other to the group while the connection lasts. */
  #replaySlowly({ ref, entryIds }: RequestOf<'replay'>): number {
    const sends = this.#broker.find(ref)?.replays(entryIds) ?? []
    for (const [index, send] of sends.entries()) {
      setTimeout(() => {
        if (this.#open) send()
      }, index)
    }
    return sends.length
  }

  #leave(consumer: string, stays = this.#broker.faulty('ephemeralStays')): void {
    const found = this.#members.get(consumer)
    if (found === undefined) return
    this.#members.delete(consumer)
    found.group.leave(found.member)
    if (found.group.ephemeral && !stays && !this.#broker.keepsEnded()) this.#broker.delete(found.group.ref)
  }

  #settle({ delivery, settlement }: RequestOf<'settle'>): void {
    if (storeAside(delivery)) return
    const isParked = this.#broker.blocked && this.#broker.faulty('blockedParksFailures')
    for (const { member, group } of this.#members.values()) {
      const store = isParked && group.setAside(member, delivery, settlement)
      if (store) this.#parked.push(store)
      else group.settle(member, delivery, settlement)
    }
  }

  #push(push: Push): void {
    this.#send({ kind: 'push', push })
  }

  #send(frame: ServerFrame): void {
    if (this.#open) this.#end.send(frame)
  }
}
