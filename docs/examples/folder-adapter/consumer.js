import { setTimeout as sleep } from 'node:timers/promises'
import { lazyAbort, MqError, withTimeout } from '@mq/core/adapter'
import { createBell } from './bell.js'
import { openLease } from './lease.js'

/** @import { AdapterEvent, ConsumeOptions, Consumer, Handle, LazyAbort, Settlement } from '@mq/core/adapter' */
/** @import { Claim, Group } from './group.js' */
/** @import { Lease, Places } from './lease.js' */

/** @typedef {{ claim: Claim, abort: LazyAbort, isOver: boolean }} Run */
/** @typedef {Consumer & { status(): 'consuming' | 'recovering' | 'stopping' }} GroupConsumer */

/** How much longer than its timeout a stop may take to give messages back. */
const graceMs = 2_000
/** The pause between two tries. */
const retryMs = 500

/**
 * @param {{ group: Group, places: Places, options: ConsumeOptions, handle: Handle, lease: Lease,
 *   leaseMs: number, pollMs: number, report: (event: AdapterEvent) => void }} parts
 * @returns {GroupConsumer}
 */
export function startConsumer({ group, places, options, handle, leaseMs, pollMs, report, ...given }) {
  const { ref } = group
  const bell = createBell()
  /** @type {Set<Run>} */
  const runs = new Set()
  /** @type {Lease | undefined} */
  let lease = given.lease
  /** @type {Promise<void> | undefined} */
  let stopped
  let isHealthy = true

  /** @param {unknown} cause @param {string} what */
  const reportError = (cause, what) => {
    const error = new MqError('MQ_OPERATION_FAILED', `Group '${ref.group}': ${what}`, { cause })
    report({ type: 'error', error, ...ref })
  }

  /** Ends a run from outside: its handler's answer is void from now on. @param {Run} run @param {MqError} reason */
  const end = (run, reason) => {
    run.isOver = true
    runs.delete(run)
    run.abort.abort(reason)
  }
  /** @param {string} why */
  const loseAll = (why) => {
    for (const run of runs) end(run, new MqError('MQ_OWNERSHIP_LOST', why))
  }

  /**
   * Tries until it works or the run is over. The message keeps its slot meanwhile: a consumer that cannot acknowledge must not
   * take more.
   * @template T
   * @param {Run} run
   * @param {string} what
   * @param {() => Promise<T>} work
   */
  const keepTrying = async (run, what, work) => {
    while (!run.isOver) {
      try {
        return await work()
      } catch (error) {
        reportError(error, what)
        await sleep(retryMs)
      }
    }
    return undefined
  }

  /** @param {Claim} claim */
  const start = async (claim) => {
    /** @type {Run} */
    const run = { claim, abort: lazyAbort(), isOver: false }
    runs.add(run)
    const read = await keepTrying(run, 'a message cannot be read', () => group.read(claim))
    if (read !== undefined && !run.isOver) {
      const delivery = {
        ...read,
        attempt: claim.attempt,
        get signal() {
          return run.abort.signal
        },
        get aborted() {
          return run.abort.aborted
        },
      }
      const answer = await handle(delivery)
      /** @type {Settlement} */
      const settlement = options.ephemeral ? { kind: 'done' } : answer
      await keepTrying(run, 'a message cannot be settled', () => group.settle(claim, settlement))
    }
    runs.delete(run)
    bell.ring()
  }

  /** @type {Awaited<ReturnType<Group['waiting']>>} */
  let backlog = []
  let lookedAt = Number.NEGATIVE_INFINITY
  let recoveredAt = Number.NEGATIVE_INFINITY

  const look = async () => {
    if (lease !== undefined && performance.now() - recoveredAt > leaseMs / 3) {
      await group.recover(lease.id, new Set([...runs].map((run) => run.claim.file)))
      recoveredAt = performance.now()
    }
    if (backlog?.length && performance.now() - lookedAt < pollMs) return
    backlog = await group.waiting()
    lookedAt = performance.now()
    if (backlog !== undefined || !(await group.create())) return
    loseAll('The group was deleted')
    report({ type: 'data-loss', ...ref, reason: 'the group was deleted under its consumers' })
  }

  const fill = async () => {
    while (stopped === undefined && lease !== undefined && runs.size < options.concurrency) {
      const next = backlog?.[0]
      if (next === undefined || next.due > Date.now()) return
      backlog?.shift()
      const by = lease
      const claim = await group.claim(next.name, by.id)
      if (claim === undefined) continue
      if (stopped !== undefined) await group.settle(claim, { kind: 'release' })
      // Otherwise the lease was lost meanwhile, and any consumer may take the message.
      else if (by === lease) void start(claim)
    }
  }

  const work = async () => {
    while (stopped === undefined) {
      try {
        await look()
        await fill()
        isHealthy = true
      } catch (error) {
        if (isHealthy) reportError(error, 'messages cannot be fetched')
        isHealthy = false
      }
      if (stopped === undefined) await bell.wait(pollMs)
    }
  }

  let isRenewing = false
  const renew = async () => {
    if (isRenewing) return
    isRenewing = true
    try {
      if (lease === undefined || !(await lease.renew())) {
        lease = undefined
        loseAll(`This process was silent for over ${leaseMs} ms; others have its messages`)
        // A new id: under the old one, others would take its new claims for those that it lost.
        lease = await openLease(places, leaseMs, options.ephemeral ? given.lease.id : undefined)
      }
    } catch (error) {
      reportError(error, 'its lease cannot be renewed')
    }
    isRenewing = false
  }

  const heart = setInterval(renew, leaseMs / 3)
  const working = work()

  /** @param {number} timeoutMs */
  const stop = async (timeoutMs) => {
    const until = performance.now() + timeoutMs
    bell.ring()
    await bounded(working)
    while (runs.size > 0 && performance.now() < until) await bell.wait(until - performance.now())
    const left = [...runs]
    for (const run of left) end(run, new MqError('MQ_STOPPED', 'Stopped before the handler had finished'))
    await bounded(Promise.all(left.map(({ claim }) => group.settle(claim, { kind: 'release' }))))
    if (options.ephemeral) await bounded(group.remove())
    clearInterval(heart)
    // Without the lease, any consumer may take the messages that could not be given back.
    if (lease !== undefined) await bounded(lease.end())
  }

  return {
    status: () => (stopped !== undefined ? 'stopping' : isHealthy ? 'consuming' : 'recovering'),
    stop({ timeoutMs }) {
      stopped ??= Promise.resolve().then(() => stop(timeoutMs))
      return stopped
    },
  }
}

/** Bounds a wait, so that a stop ends even if the disk no longer answers. @param {Promise<unknown>} work */
async function bounded(work) {
  await withTimeout(work, graceMs, () => new Error('late')).catch(() => {})
}
