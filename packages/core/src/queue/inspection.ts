import { hostname } from 'node:os'
import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { Adapter, TargetRef } from '../contract/adapter.js'
import type { Capabilities } from '../contract/capabilities.js'
import { requireEntryIds } from '../contract/checks/entry-ids.js'
import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { requirePage } from '../contract/checks/page.js'
import { shown } from '../contract/checks/shown.js'
import type { Clock } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'
import { isEphemeralGroup, requireShortText } from '../contract/names.js'
import {
  type MessageState,
  messageStates,
  type PageOptions,
  type PauseOptions,
  type RawWaiting,
  type WaitingMessage,
  type WaitingMessages,
  type WaitingOptions,
  type WaitingStore,
} from '../contract/operating/inspect.js'
import { decodedOrUndefined } from '../wire/codec.js'
import { unwrappedOrSame } from '../wire/structured.js'
import { isTombstone } from '../wire/tombstone.js'
import type { ResolvedTarget } from './targets.js'

interface InspectionParts {
  readonly adapter: Adapter
  readonly capabilities: Capabilities
  readonly clock: Clock
  readonly operationTimeoutMs: number
}

const abilities = {
  listsTopics: 'list topics',
  listsGroups: 'list the groups of a topic',
  listsWaiting: 'list waiting messages',
  listsInFlight: 'list messages in flight',
  removesWaiting: 'remove single messages',
  runsNow: 'run a message before it is due',
  pausesGroups: 'pause groups',
} as const satisfies Partial<Record<keyof Capabilities, string>>

type Able = Pick<ResolvedTarget, 'capabilities' | 'reader'>

/** Creates the part of a queue that looks into the broker, and pauses groups. See docs/decisions/0009-looking-into-the-broker.md. */
export function createInspection({ adapter, capabilities, clock, operationTimeoutMs }: InspectionParts) {
  const bounded = <T>(what: string, work: Promise<T>): Promise<T> =>
    withTimeout(work, operationTimeoutMs, () => new MqError('MQ_TIMEOUT', `${what} took over ${operationTimeoutMs} ms`))

  const requireAbility = ({ capabilities, reader }: Able, capability: keyof typeof abilities): void => {
    if (capabilities[capability]) return
    const advice = adapter.advice?.[capability]
    const why = `its capabilities have no ${capability}${advice === undefined ? '' : `; ${advice}`}`
    throw new MqError('MQ_NOT_SUPPORTED', `${reader} cannot ${abilities[capability]}: ${why}`)
  }

  return {
    async topics(options: PageOptions = {}) {
      requireAbility({ capabilities, reader: adapter.name }, 'listsTopics')
      const page = requirePage(options, pageNames, 'topics')
      return await bounded('Listing topics', member(adapter, 'topics')(page))
    },
    async groups(target: ResolvedTarget, options: PageOptions = {}) {
      requireAbility(target, 'listsGroups')
      const page = requirePage(options, pageNames, 'groups')
      // The name of the group is not part of a topic.
      const { group: _, ...topic } = target.refOf('none')
      return await bounded('Listing groups', member(adapter, 'groups')(topic, page))
    },
    waiting(target: ResolvedTarget, ref: TargetRef): WaitingMessages {
      const store = (): WaitingStore => member(adapter, 'waiting')(ref)
      return {
        async list(options = {}) {
          const page = requirePage(options, waitingNames, 'waiting.list')
          const state = requireState(options.state ?? 'ready')
          requireAbility(target, state === 'inFlight' ? 'listsInFlight' : 'listsWaiting')
          const { items, ...rest } = await bounded('Listing messages', store().list({ ...page, state }))
          return { ...rest, items: items.map((item) => shownMessage(item, target)) }
        },
        async remove(entryIds) {
          const ids = requireEntryIds(entryIds)
          requireAbility(target, 'removesWaiting')
          if (ids.length === 0) return { removed: 0 }
          return { removed: await bounded('Removing messages', member(store(), 'remove')(ids)) }
        },
        async runNow(entryIds) {
          const ids = requireEntryIds(entryIds)
          requireAbility(target, 'runsNow')
          if (ids.length === 0) return { readied: 0 }
          return { readied: await bounded('Making messages ready', member(store(), 'runNow')(ids)) }
        },
      }
    },
    async pauseGroup(target: ResolvedTarget, ref: TargetRef, options: PauseOptions = {}) {
      requireOptions(options, 'The options of pauseGroup')
      refuseUnknown(options, pauseNames, 'pauseGroup')
      const by = options.by === undefined ? `${hostname()}/${process.pid}` : requireShortText(options.by, 'by')
      requireAbility(target, 'pausesGroups')
      requireLasting(ref)
      const mark = { since: clock.now(), by }
      await bounded(`Pausing the group '${ref.group}'`, member(adapter, 'pauseGroup')(ref, mark))
    },
    async resumeGroup(target: ResolvedTarget, ref: TargetRef) {
      requireAbility(target, 'pausesGroups')
      await bounded(`Resuming the group '${ref.group}'`, member(adapter, 'resumeGroup')(ref))
    },
  }
}

const pageNames = keysOf<PageOptions>()({ limit: true, after: true })
const waitingNames = keysOf<WaitingOptions>()({ limit: true, after: true, state: true })
const pauseNames = keysOf<PauseOptions>()({ by: true })

function requireState(state: unknown): MessageState {
  if (messageStates.includes(state as MessageState)) return state as MessageState
  throw new MqError('MQ_INVALID_OPTION', `state is one of ${messageStates.join(', ')}, not ${shown(state)}`)
}

/** An ephemeral subscription gets everything from now on, and nothing is kept for it. */
function requireLasting({ group }: TargetRef): void {
  if (!isEphemeralGroup(group)) return
  throw new MqError(
    'MQ_NOT_SUPPORTED',
    `'${group}' is an ephemeral subscription, which cannot be paused: stop it instead`,
  )
}

/** Returns a member that the adapter has, because `requireAdapter` compares the capabilities with the members. */
function member<Owner extends object, Name extends keyof Owner & string>(
  owner: Owner,
  name: Name,
): Extract<Owner[Name], (...parameters: never[]) => unknown> {
  const found = owner[name]
  if (typeof found !== 'function') throw new MqError('MQ_NOT_SUPPORTED', `The adapter has no member ${name}`)
  return found.bind(owner)
}

function shownMessage(item: RawWaiting, { decode }: ResolvedTarget): WaitingMessage {
  const message = unwrappedOrSame(item.message)
  return { ...item, message, data: decodedOrUndefined(message, decode), tombstone: isTombstone(message) }
}
