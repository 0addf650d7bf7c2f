import { link, mkdir, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { decodeFailure, emptyHeaders, encodeFailure, MqError, messageFromAttributes } from '@mq/core/adapter'
import { deadLettersIn } from './dead-letters.js'
import { decode } from './envelope.js'
import { ifThere, isCode, newId, writeWhole } from './files.js'
import { isAlive } from './lease.js'
import { claimedBy, claimOf, inOrder, nameOf, stateOf } from './state.js'

/** @import { Failure, RawMessage, Settlement, GroupRef } from '@mq/core/adapter' */
/** @import { Places } from './lease.js' */
/** @import { State } from './state.js' */

/** @typedef {State & { file: string }} Claim */
/** @typedef {{ message: RawMessage, decodeError?: MqError }} Read */

/**
 * One group of one topic: a folder with a folder in it for each state of a message.
 * @param {{ ref: GroupRef, folder: string, places: Places }} options
 */
export function groupAt({ ref, folder, places }) {
  const waiting = join(folder, 'waiting')
  const claimed = join(folder, 'claimed')
  const dead = join(folder, 'dead')
  const failures = join(folder, 'failures')
  const { root, drafts } = places
  /** @param {string} path */
  const namesIn = async (path) => (await ifThere({ root, path }, () => readdir(path))) ?? []

  /**
   * Resolves to undefined if the claim is no longer ours: the process that moves the file first owns it.
   * @template T
   * @param {Claim} claim
   * @param {(path: string) => Promise<T>} work
   */
  const ifOurs = ({ file }, work) => {
    const path = join(claimed, file)
    return ifThere({ root, path }, () => work(path))
  }
  /** @param {Claim} claim @param {string} to */
  const move = (claim, to) => ifOurs(claim, (path) => rename(path, to))

  /** @param {string} path @param {string} id @returns {Promise<Read>} */
  const readMessage = async (path, id) => {
    const defaults = { id, topic: ref.topic, timeMs: Date.now() }
    try {
      const bytes = await readFile(path)
      return { message: await decode(bytes, { ...defaults, timeOf: async () => (await stat(path)).mtimeMs }) }
    } catch (cause) {
      // No retry will read it, and it must not block other messages.
      if (!isCode(cause, 'EACCES', 'EPERM', 'EISDIR', 'MQ_UNDECODABLE')) throw cause
      const decodeError = new MqError('MQ_UNDECODABLE', `The file ${id} cannot be read`, { cause })
      const nothing = { headers: emptyHeaders, body: new Uint8Array() }
      return { message: messageFromAttributes({}, nothing, defaults), decodeError }
    }
  }
  /** @param {string} id @param {Failure} failure */
  const writeFailure = (id, failure) =>
    writeWhole({ drafts, path: join(failures, id), content: encodeFailure(failure) })
  /** @param {string} id */
  const readFailure = async (id) => {
    const path = join(failures, id)
    return decodeFailure(await ifThere({ root, path }, () => readFile(path, 'utf8')))
  }

  return {
    ref,
    /** Creates the group. Resolves to false if it exists. */
    async create() {
      const draft = join(drafts, newId())
      // Not recursive: if the whole folder is gone, this must not create it again.
      await mkdir(draft)
      for (const part of [waiting, claimed, dead, failures]) await mkdir(join(draft, basename(part)))
      try {
        await mkdir(dirname(folder)).catch(unlessThere)
        await rename(draft, folder)
        return true
      } catch (error) {
        await rm(draft, { recursive: true, force: true })
        if (isCode(error, 'ENOTEMPTY', 'EEXIST')) return false
        throw error
      }
    },
    /** Removes the group for all processes at once, then its files one by one. */
    async remove() {
      const draft = join(drafts, newId())
      await ifThere({ root, path: folder }, () => rename(folder, draft))
      await rm(draft, { recursive: true, force: true })
    },
    /**
     * Adds a draft's content to the group; all groups share its bytes. Resolves to false if the group does not exist.
     * @param {string} draft
     * @param {State} state
     */
    async add(draft, state) {
      const path = join(waiting, nameOf(state))
      return (await ifThere({ root, path: folder }, () => link(draft, path).then(() => true))) ?? false
    },
    /** Lists waiting messages in the order in which they may run. Resolves to undefined if the group does not exist. */
    async waiting() {
      const names = await ifThere({ root, path: folder }, () => readdir(waiting))
      return names && inOrder(names)
    },
    /**
     * Claims a message. Resolves to undefined if another consumer was faster.
     * @param {string} name
     * @param {string} consumer
     * @returns {Promise<Claim | undefined>}
     */
    async claim(name, consumer) {
      const state = stateOf(name)
      const file = claimOf(state, consumer)
      try {
        await rename(join(waiting, name), join(claimed, file))
        return { ...state, file }
      } catch (error) {
        // The whole folder may be gone for a while; the message comes back with it.
        if (isCode(error, 'ENOENT')) return undefined
        throw error
      }
    },
    /** Resolves to undefined if the claim is no longer ours. @param {Claim} claim */
    async read(claim) {
      const { id } = claim
      const read = await ifOurs(claim, (path) => readMessage(path, id))
      const failure = await readFailure(id)
      return read && { ...read, ...(failure && { failure }) }
    },
    /**
     * Carries out a settlement. A process that dies halfway leaves its claim behind: the message runs again and is not lost.
     * @param {Claim} claim
     * @param {Settlement} settlement
     */
    async settle(claim, settlement) {
      const { due, id, attempt } = claim
      if (settlement.kind === 'done') {
        const isDone = await ifOurs(claim, (path) => unlink(path).then(() => true))
        if (isDone) await rm(join(failures, id), { force: true })
      } else if (settlement.kind === 'release') {
        await move(claim, join(waiting, nameOf({ due, id, attempt })))
      } else {
        await writeFailure(id, settlement.failure)
        const now = Date.now()
        if (settlement.kind === 'dead') await move(claim, join(dead, nameOf({ due: now, id, attempt })))
        else await move(claim, join(waiting, nameOf({ due: now + settlement.delayMs, id, attempt: attempt + 1 })))
      }
    },
    /**
     * Returns the messages that dead consumers had claimed to the group; the lost run counts as an attempt. Does the same for
     * claims of this consumer that belong to none of its runs.
     * @param {string} self
     * @param {ReadonlySet<string>} running
     */
    async recover(self, running) {
      /** @type {Map<string, boolean>} */
      const alive = new Map()
      for (const file of await namesIn(claimed)) {
        const { state, consumer } = claimedBy(file)
        if (!alive.has(consumer)) alive.set(consumer, consumer !== self && (await isAlive(places, consumer)))
        if (alive.get(consumer) || running.has(file)) continue
        const next = nameOf({ ...state, attempt: state.attempt + 1 })
        await move({ ...state, file }, join(waiting, next))
      }
    },
    /** Resolves to no counts if the group does not exist. */
    async stats() {
      const now = Date.now()
      const all = await ifThere({ root, path: waiting }, () => readdir(waiting))
      if (all === undefined) return { ready: undefined, inFlight: undefined, delayed: undefined, dead: undefined }
      const ready = all.filter((name) => stateOf(name).due <= now).length
      const inFlight = (await namesIn(claimed)).length
      return { ready, inFlight, delayed: all.length - ready, dead: (await namesIn(dead)).length }
    },
    deadLetters: deadLettersIn({ root, dead, waiting, failures, namesIn, readMessage, readFailure, writeFailure }),
  }
}

/** @typedef {ReturnType<typeof groupAt>} Group */

/** @param {unknown} error */
function unlessThere(error) {
  if (!isCode(error, 'EEXIST')) throw error
}
