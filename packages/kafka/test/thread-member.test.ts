import type { MessagePort } from 'node:worker_threads'
import { until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Cluster, TopicPartition } from '../src/driver/cluster.js'
import { asMqError, ForeignGroupError, isLinkError, isRefusedMembership, LinkError } from '../src/driver/errors.js'
import type { Loss, MemberListener } from '../src/driver/group/member.js'
import type { Membership } from '../src/driver/group/membership.js'
import { errorOf, partsOf } from '../src/driver/group/thread/error-parts.js'
import type { ThreadListener } from '../src/driver/group/thread/member-thread.js'
import type { FromThread, ToThread } from '../src/driver/group/thread/messages.js'
import { sharedNow } from '../src/driver/group/thread/monotonic.js'
import { serveMembers } from '../src/driver/group/thread/serve.js'
import { type ReplaceReason, ThreadMember } from '../src/driver/group/thread/thread-member.js'
import { createErrorFromCode } from '../src/driver/protocol.js'
import { groupOfOne, sessionMs } from './support/group-of-one.js'

const partitions: readonly TopicPartition[] = [{ topic: 't', partition: 0 }]
const plan = { groupId: 'g', topics: ['t'], sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 6_000, maxStallMs: 60_000 }

const client = {
  brokers: [],
  clientId: 'c',
  tls: undefined,
  sasl: undefined,
  connectTimeoutMs: 1,
  requestTimeoutMs: 1,
}

/** Makes a member whose thread is the test. */
function memberOfTest({ mayBeLonger = false } = {}) {
  const posted: ToThread[] = []
  const replacements: MemberListener[] = []
  const reasons: ReplaceReason[] = []
  let listener: ThreadListener | undefined
  const thread = {
    add(added: ThreadListener) {
      listener = added
      return 7
    },
    post: (message: ToThread) => void posted.push(message),
    remove() {},
  }
  const replacement: Membership = {
    isIn: true,
    isAwaited: false,
    start: (own) => void replacements.push(own),
    commit: async () => {},
    requireOwned() {},
    stop: async () => {},
  }
  const cluster = {
    coordinator: async () => ({}),
    apart: async () => ({}),
    request: () => Promise.reject(createErrorFromCode(22)),
  } as unknown as Cluster
  const member = new ThreadMember(thread, {
    plan: { ...plan, client, connections: 1 },
    cluster,
    mayBeLonger,
    replace(reason) {
      reasons.push(reason)
      return replacement
    },
  })
  onTestFinished(() => member.stop(1))
  const losses: Loss[] = []
  const failures: unknown[] = []
  let ready: Promise<void> = Promise.resolve()
  member.start({
    assigned: () => ready,
    revoked: async () => {},
    joined() {},
    lost: (_, loss) => void losses.push(loss),
    failing: (error) => void failures.push(error),
  })
  const validity = posted[0]?.type === 'start' ? new Float64Array(posted[0].validity) : new Float64Array(1)
  return {
    member,
    posted,
    losses,
    failures,
    replacements,
    reasons,
    /** Lets no partition be taken before that. */
    holdUp(until: Promise<void>) {
      ready = until
    },
    keepFor(ms: number) {
      validity[0] = sharedNow() + ms
    },
    say: (message: FromThread) => listener?.message(message),
    end: (error: Error, livedMs: number) => listener?.ended(error, livedMs),
    async own() {
      listener?.message({ type: 'assigned', member: 7, call: 1, partitions })
      await until(() => posted.some(({ type }) => type === 'taken'), { what: 'the partitions to be taken' })
    },
  }
}

describe('a member whose membership lives in a thread', () => {
  it('has lost its partitions once the time that the thread has written is over, although the thread says nothing', async () => {
    const { member, keepFor, own, losses } = memberOfTest()
    keepFor(60_000)
    await own()
    member.requireOwned()
    expect(losses).toHaveLength(0)
    keepFor(-1)
    member.requireOwned()
    expect(losses).toMatchObject([{ stoodStill: false }])
  })

  it('leaves it to the thread whether a refused commit means that it is out of the group', async () => {
    const { member, keepFor, own, say, posted, losses } = memberOfTest()
    keepFor(60_000)
    await own()
    await expect(member.commit([])).rejects.toThrow('not in its group')
    say({ type: 'state', member: 7, state: { isIn: true, isAwaited: false, memberId: 'm', generation: 3 } })
    await expect(member.commit([{ topic: 't', partition: 0, offset: 1 }])).rejects.toThrow()
    expect(posted.at(-1)).toEqual({ type: 'fenced', member: 7, generation: 3 })
    expect(losses).toHaveLength(0)
  })

  it('tells the thread of a loss that it notices itself, with the number of losses that it has heard of', async () => {
    const { keepFor, own, say, posted, member, losses } = memberOfTest()
    keepFor(60_000)
    await own()
    say({ type: 'lost', member: 7, cause: partsOf(new Error('cut off')), stoodStill: false })
    await own()
    keepFor(-1)
    member.requireOwned()
    expect(posted.at(-1)).toMatchObject({ type: 'lost', member: 7, losses: 1 })
    expect(losses).toHaveLength(2)
  })

  it('has lost what it was just about to take when the thread lost everything, and then takes what comes next', async () => {
    const { keepFor, own, say, losses, holdUp, member } = memberOfTest()
    keepFor(60_000)
    let open = (): void => {}
    holdUp(new Promise<void>((resolve) => (open = resolve)))
    say({ type: 'assigned', member: 7, call: 1, partitions })
    await Promise.resolve()
    say({ type: 'lost', member: 7, cause: partsOf(new Error('cut off')), stoodStill: false })
    expect(losses).toHaveLength(0)
    open()
    await until(() => losses.length === 1, { what: 'the loss' })
    holdUp(Promise.resolve())
    await own()
    keepFor(-1)
    member.requireOwned()
    expect(losses).toHaveLength(2)
  })

  it('goes on as another member if the thread ends, after what it was about to take is lost', async () => {
    const { member, keepFor, own, end, say, losses, failures, replacements, reasons, holdUp } = memberOfTest()
    keepFor(60_000)
    await own()
    let open = (): void => {}
    holdUp(new Promise<void>((resolve) => (open = resolve)))
    say({ type: 'assigned', member: 7, call: 2, partitions: [{ topic: 't', partition: 1 }] })
    await Promise.resolve()
    end(new Error('no memory'), 70_000)
    expect([losses.length, failures.length, replacements.length]).toEqual([1, 1, 0])
    open()
    await until(() => replacements.length === 1, { what: 'the other member to start' })
    expect([losses.length, reasons, member.isIn]).toEqual([2, [{ threadLivedMs: 70_000 }], true])
  })

  it('goes on with a longer session, and reports nothing, if the broker refuses one that nobody has asked for', async () => {
    const refused: FromThread = { type: 'failing', member: 7, error: partsOf(createErrorFromCode(26)) }
    const byDefault = memberOfTest({ mayBeLonger: true })
    byDefault.say(refused)
    await until(() => byDefault.replacements.length === 1, { what: 'the other member to start' })
    expect([byDefault.reasons, byDefault.failures]).toEqual([['session'], []])
    const asked = memberOfTest({ mayBeLonger: false })
    asked.say(refused)
    expect([asked.reasons, asked.failures.length]).toEqual([[], 1])
  })
})

describe('a thread of memberships', () => {
  it('gives up what the main thread has lost, unless it has said so itself', async () => {
    const group = groupOfOne()
    const said: FromThread[] = []
    let post = (_: ToThread): void => {}
    const port = {
      on(_: string, listener: (message: ToThread) => void) {
        post = listener
        return port
      },
      postMessage: (message: FromThread) => void said.push(message),
    } as unknown as MessagePort
    serveMembers(port, { open: () => group.cluster, close() {} })
    const times = { sessionTimeoutMs: sessionMs, rebalanceTimeoutMs: sessionMs }
    const validity = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)
    post({ type: 'start', member: 7, plan: { ...plan, ...times, client, connections: 1 }, validity })
    const count = (type: FromThread['type']): number => said.filter((message) => message.type === type).length
    const take = async (times: number): Promise<void> => {
      await until(() => count('assigned') === times, { what: 'the partitions' })
      post({ type: 'taken', member: 7, call: times })
      await until(() => count('joined') === times, { what: 'it to be in' })
    }
    await take(1)
    const lost = { type: 'lost', member: 7, cause: partsOf(new Error('late')) } as const
    post({ ...lost, losses: 0 })
    await until(() => group.claims.length === 2, { what: 'it to join again' })
    expect([group.claims[1], count('lost')]).toMatchObject([{ owned: [] }, 1])
    await take(2)
    post({ ...lost, losses: 0 })
    expect(count('lost')).toBe(1)
    post({ type: 'stop', member: 7, timeoutMs: 100 })
    await until(() => count('stopped') === 1, { what: 'it to stop' })
  })
})

describe('an error that comes from a thread', () => {
  it('is told apart as it would be there', () => {
    const cause = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    const link = errorOf(structuredClone(partsOf(new LinkError('gone', { cause, unsent: true }))))
    expect([isLinkError(link), link, link.cause]).toMatchObject([true, { unsent: true }, { code: 'ECONNRESET' }])
    const refused = errorOf(structuredClone(partsOf(createErrorFromCode(30))))
    expect(asMqError(refused, 'No').code).toBe('MQ_AUTH_FAILED')
    expect(isRefusedMembership(errorOf(structuredClone(partsOf(new ForeignGroupError('others')))))).toBe(true)
  })
})
