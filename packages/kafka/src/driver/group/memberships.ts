import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ClientSettings } from '../client.js'
import type { Cluster } from '../cluster.js'
import { Member } from './member.js'
import type { Membership } from './membership.js'
import { loaderArgs, MemberThread } from './thread/member-thread.js'
import type { MemberPlan } from './thread/messages.js'
import { type ReplaceReason, ThreadMember } from './thread/thread-member.js'

export interface MembershipSettings extends ClientSettings {
  /** Undefined for the default, which depends on whether there can be a thread. */
  readonly sessionTimeoutMs: number | undefined
  readonly rebalanceTimeoutMs: number | undefined
  readonly maxStallMs: number
  readonly createClient: unknown
}

/** The shortest session that a broker takes with its own defaults. */
const shortSessionMs = 6_000
/** A handler may hold the event loop for nearly that long, if the membership has no thread. */
const longSessionMs = 30_000
/** A thread that has lived for longer is started again after it has died. Otherwise the next one would soon die, too. */
const reliableMs = 60_000

/** Distinguishes the connections of adapters in the thread. */
let adapters = 0

/**
 * Decides where the memberships of an adapter live.
 *
 * See docs/decisions/0028-kafka-memberships-in-a-thread.md.
 */
export function createMemberships(settings: MembershipSettings, threadUrl: URL | undefined) {
  let url = canBeSent(settings) ? threadUrl : undefined
  let isShortRefused = false
  adapters += 1
  const connections = adapters
  const times = () => {
    const defaultMs = url === undefined || isShortRefused ? longSessionMs : shortSessionMs
    const sessionTimeoutMs = settings.sessionTimeoutMs ?? defaultMs
    const rebalanceTimeoutMs = settings.rebalanceTimeoutMs ?? settings.sessionTimeoutMs ?? longSessionMs
    return { sessionTimeoutMs, rebalanceTimeoutMs }
  }

  return {
    /** They change if the thread turns out to be impossible, or a short session to be. */
    get times() {
      return times()
    },
    /** How long the event loop may stand still before the group gives the messages of this process to others. */
    get maxStallMs() {
      return url === undefined ? times().sessionTimeoutMs : settings.maxStallMs
    },
    open(
      group: Pick<MemberPlan, 'groupId' | 'topics' | 'label'>,
      clusters: { readonly membership: Cluster; readonly commits: Cluster },
    ): Membership {
      const { brokers, clientId, tls, sasl, connectTimeoutMs, requestTimeoutMs, maxStallMs } = settings
      const client = { brokers, clientId, tls, sasl, connectTimeoutMs, requestTimeoutMs }
      const make = (): Membership => {
        const { sessionTimeoutMs, rebalanceTimeoutMs } = times()
        try {
          if (url !== undefined) {
            return new ThreadMember(MemberThread.get(url), {
              plan: { ...group, sessionTimeoutMs, rebalanceTimeoutMs, client, connections, maxStallMs },
              cluster: clusters.commits,
              mayBeLonger: settings.sessionTimeoutMs === undefined && !isShortRefused,
              replace,
            })
          }
        } catch {
          // This runtime allows no threads.
          url = undefined
        }
        return new Member({ ...group, ...times(), cluster: clusters.membership })
      }
      const replace = (reason: ReplaceReason): Membership => {
        if (reason === 'session') isShortRefused = true
        else if (reason.threadLivedMs < reliableMs) url = undefined
        return make()
      }
      return make()
    },
  }
}

export type Memberships = ReturnType<typeof createMemberships>

/** Functions and native objects cannot be sent to a thread. */
function canBeSent({ createClient, tls, sasl }: MembershipSettings): boolean {
  if (createClient !== undefined) return false
  try {
    structuredClone({ tls, sasl })
    return true
  } catch {
    return false
  }
}

/**
 * Returns the module of the thread, which is `name` beside `base`. Undefined in a bundle, which has no such file, and in runtimes whose
 * threads differ from Node's.
 */
export function threadModule(
  name: string,
  base: string | undefined,
  { bun, deno }: Readonly<Record<string, string | undefined>> = process.versions,
): URL | undefined {
  if (base === undefined || !base.startsWith('file:')) return undefined
  if (bun !== undefined || deno !== undefined) return undefined
  const isSource = base.endsWith('.ts')
  const url = new URL(`./${name}${isSource ? '.ts' : '.js'}`, base)
  // Sources run in a thread only if this process was told how to load them.
  if (isSource && loaderArgs(url).length === 0) return undefined
  return existsSync(fileURLToPath(url)) ? url : undefined
}
