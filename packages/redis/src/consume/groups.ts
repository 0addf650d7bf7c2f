import {
  type AdapterEvent,
  type GroupRef,
  MqError,
  namesakeError,
  type StartFrom,
  type StoredStats,
  type TargetRef,
} from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import { retryWithin } from '../connection/retry.js'
import type { Settings } from '../options.js'
import { type GroupPlace, placeOf, topicsKey } from '../wire/keys.js'
import { decodeMark } from '../wire/pause-mark.js'
import { declareScript, deleteScript } from '../wire/scripts/group.js'
import { addTopicScript } from '../wire/scripts/names.js'
import { statsScript } from '../wire/scripts/stats.js'

/** Creates the operations on groups. All of them may be done twice without harm. */
export function groupOperations(settings: Settings, report: (event: AdapterEvent) => void) {
  const repeat = <T>(what: string, link: Link, work: () => Promise<T>): Promise<T> =>
    retryWithin({ what, link, timeoutMs: 2 * settings.commandTimeoutMs, isRepeatable: true }, work)

  /** Reports a stream whose key is the plain name of a topic that is new here, because it may be the one that was meant. */
  async function warnOfNamesake(link: Link, { topic, group }: GroupRef, ours: string): Promise<void> {
    // A user may be allowed to see our own keys only.
    const type = await link.send('TYPE', [topic]).catch(() => 'none')
    if (String(type) === 'stream') report({ type: 'error', error: namesakeError(topic, ours), topic, group })
  }

  /** Adds the topic to the list of all topics. */
  const addTopic = (link: Link, topic: string): Promise<unknown> =>
    repeat('Listing a topic', link, () => link.run(addTopicScript, [topicsKey(settings.prefix)], [topic]))

  return {
    async declare(link: Link, ref: TargetRef, startFrom: StartFrom): Promise<void> {
      const place = placeOf(settings.prefix, ref)
      const { stream, retry, groups, deleted } = place.keys
      const args = [place.consumerGroup, startFrom === 'earliest' ? '0' : '$', mkstream(place)]
      const declaring = repeat(`Declaring the group '${ref.group}'`, link, () =>
        link.run(declareScript, [stream, retry, groups, deleted], args),
      )
      const [reply] = await Promise.all([declaring, place.form === undefined && addTopic(link, ref.topic)])
      const [wasKnown, wasCreated, before] = reply as readonly [number, number, Buffer]
      const type = before.toString()
      if (place.form !== undefined) requireStream(stream, type)
      else if (type === 'none') await warnOfNamesake(link, ref, stream)
      if (wasKnown === 1 && wasCreated === 1) {
        const { topic, group } = ref
        report({ type: 'data-loss', topic, group, reason: 'the stream or its group had vanished at the broker' })
      }
    },
    /** Rejects if the stream is to be one of other programs and is not there. */
    async requireForeign(link: Link, ref: TargetRef): Promise<void> {
      const { form, keys } = placeOf(settings.prefix, ref)
      if (form === undefined) return
      const type = await repeat('Looking for a stream', link, () => link.send('TYPE', [keys.stream]))
      requireStream(keys.stream, String(type))
    },
    async delete(link: Link, ref: TargetRef): Promise<void> {
      const place = placeOf(settings.prefix, ref)
      const { stream, groups, deleted, paused, gate, skipped } = place.keys
      const { retry, due, dueData, dead, lanes, waiting, open, started } = place.keys
      const own = [retry, due, dueData, dead, lanes, waiting, open, started]
      const scriptKeys = [stream, groups, deleted, paused, gate, skipped, ...own]
      await repeat(`Deleting the group '${ref.group}'`, link, () =>
        link.run(deleteScript, scriptKeys, [place.consumerGroup, retained(place, settings)]),
      )
    },
    async stats(link: Link, ref: TargetRef): Promise<StoredStats> {
      const { keys, consumerGroup } = placeOf(settings.prefix, ref)
      const { stream, retry, due, delayed, dead, waiting, skipped, paused } = keys
      const reply = await repeat('Reading stats', link, () =>
        link.run(statsScript, [stream, retry, due, delayed, dead, waiting, skipped, paused], [consumerGroup]),
      )
      return statsOf(reply as StatsReply)
    },
  }
}

type StatsReply =
  | readonly []
  | readonly [
      ready: number,
      inFlight: number,
      delayed: number,
      retrying: number,
      dead: number,
      oldestReadyMs: number,
      oldestDeadMs: number,
      mark: Buffer,
    ]

function statsOf(reply: StatsReply): StoredStats {
  if (reply.length === 0) {
    return { ready: undefined, inFlight: undefined, delayed: undefined, retrying: undefined, dead: undefined }
  }
  const [ready, inFlight, delayed, retrying, dead, oldestReadyMs, oldestDeadMs, mark] = reply
  return {
    ready: knownOf(ready),
    inFlight,
    delayed,
    retrying,
    dead,
    oldestReadyMs: knownOf(oldestReadyMs),
    oldestDeadMs,
    paused: mark.length === 0 ? undefined : decodeMark(mark.toString()),
  }
}

/** Scripts answer -1 for what Redis cannot tell. */
const knownOf = (number: number): number | undefined => (number === -1 ? undefined : number)

/** Whether a script may create the stream. */
export const mkstream = ({ form }: GroupPlace): string => (form === undefined ? 'MKSTREAM' : '')

/** How many messages a script leaves when it trims the stream. A negative number means that it must not trim. */
export const retained = ({ form }: GroupPlace, { retain }: Settings): number => (form === undefined ? retain : -1)

function requireStream(key: string, type: string): void {
  if (type === 'stream') return
  const found = type === 'none' ? 'does not exist' : `holds a ${type}, and no stream`
  throw new MqError('MQ_TOPIC_MISSING', `The key '${key}' ${found} at Redis`)
}
