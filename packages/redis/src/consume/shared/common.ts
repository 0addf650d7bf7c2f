import type { AdapterEvent } from '@mq/core/adapter'
import { createLink, type Link } from '../../connection/link.js'
import { newPresenceId, presencePrefix } from '../../connection/presence.js'
import { Signals } from '../../connection/signals.js'
import type { Settings } from '../../options.js'
import type { GroupPlace } from '../../wire/keys.js'
import { retained } from '../groups.js'
import { Lender } from './loans.js'
import { Look } from './look.js'
import { AnswerBytes } from './portions.js'
import { TopicShare } from './topic-share.js'
import { Watch } from './watch.js'

/** The parts that all consumers of one adapter share. */
export interface Common {
  /** The connection over which all of them read. None of its commands blocks. */
  readonly link: Link
  readonly watch: Watch
  readonly look: Look
  readonly answers: AnswerBytes
  readonly lender: Lender
  /** The id under which servers see this process. */
  readonly presenceId: string
  /** Whether they see it now. */
  readonly isPresent: boolean
  /** Opens the connection with the first consumer. Rejects as `Link.open` does. */
  open(): Promise<void>
  /** Resolves with whether the server of a topic sees this process, as far as that is known within a moment. */
  isSeenFor(place: GroupPlace): Promise<boolean>
  /** Returns what the consumers of a topic share, until each of them has left it. */
  join(place: GroupPlace): TopicShare
  leave(place: GroupPlace): void
  close(): void
}

const trimEveryMs = 1_000
/** How often a look is taken if the broker reports all changes. */
const lookEveryMs = 1_000
/** How long a subscription waits to know whether the server sees its process. */
const seenMs = 1_000

export interface CommonParts {
  readonly settings: Settings
  /** The connection for looks. Redis would remember each key of a look many times if it were the one whose reads are remembered. */
  readonly commands: Link
  readonly report: (event: AdapterEvent) => void
}

export function createCommon({ settings, commands, report }: CommonParts): Common {
  const topics = new Map<string, TopicShare>()
  const link = createLink(settings, { onClient: (client) => signals.attach(client), onUp: () => watch.changedAll() })
  const watch = new Watch(link, settings.pollMs)
  const look = new Look({ link: commands, settings, everyMs: () => (watch.isReported ? lookEveryMs : settings.pollMs) })
  const presenceId = newPresenceId()
  const signals = new Signals({
    presenceChannel: presencePrefix(settings.prefix) + presenceId,
    timeoutMs: settings.commandTimeoutMs,
    onReport: watch.onReport,
    onState(areOn) {
      watch.isReported = areOn
      watch.changedAll()
      look.hasten()
    },
    onRefused: (error) => report({ type: 'error', error }),
  })
  const trimming = setInterval(() => {
    for (const topic of topics.values()) void topic.trim()
  }, trimEveryMs)
  const lender = new Lender(settings)
  let opening: Promise<void> | undefined

  return {
    link,
    watch,
    look,
    answers: new AnswerBytes(),
    lender,
    presenceId,
    get isPresent() {
      return signals.isPresent
    },
    async open() {
      opening ??= link.open().catch((error) => {
        opening = undefined
        throw error
      })
      await opening
    },
    async isSeenFor({ keys }) {
      // A node of a cluster is connected by its first command.
      if (!signals.isPresent) await link.send('EXISTS', [keys.stream]).catch(() => {})
      await signals.settled(seenMs)
      return signals.isPresent
    },
    join(place) {
      const { groups } = place.keys
      const retain = retained(place, settings)
      const share = topics.get(groups) ?? new TopicShare({ place, retain, link: commands, report })
      share.users += 1
      topics.set(groups, share)
      return share
    },
    leave({ keys: { groups } }) {
      const share = topics.get(groups)
      if (share === undefined) return
      share.users -= 1
      if (share.users === 0) topics.delete(groups)
    },
    close() {
      clearInterval(trimming)
      look.close()
      lender.close()
      signals.close()
      link.close()
    },
  }
}
