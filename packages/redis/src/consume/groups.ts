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
import { type GroupPlace, placeOf } from '../wire/keys.js'
import { declareScript, deleteScript, statsScript } from '../wire/scripts/group.js'

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

  return {
    async declare(link: Link, ref: TargetRef, startFrom: StartFrom): Promise<void> {
      const place = placeOf(settings.prefix, ref)
      const { stream, retry, groups, deleted } = place.keys
      const args = [place.consumerGroup, startFrom === 'earliest' ? '0' : '$', mkstream(place)]
      const [wasKnown, wasCreated, before] = (await repeat(`Declaring the group '${ref.group}'`, link, () =>
        link.run(declareScript, [stream, retry, groups, deleted], args),
      )) as readonly [number, number, Buffer]
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
      const { stream, groups, deleted, retry, due, dueData, dead, lanes, waiting, open } = place.keys
      const scriptKeys = [stream, groups, deleted, retry, due, dueData, dead, lanes, waiting, open]
      await repeat(`Deleting the group '${ref.group}'`, link, () =>
        link.run(deleteScript, scriptKeys, [place.consumerGroup, retained(place, settings)]),
      )
    },
    async stats(link: Link, ref: TargetRef): Promise<StoredStats> {
      const { keys, consumerGroup } = placeOf(settings.prefix, ref)
      const { stream, retry, due, delayed: delayedKey, dead: deadKey, waiting } = keys
      const [ready, inFlight, delayed, retrying, dead] = (await repeat('Reading stats', link, () =>
        link.run(statsScript, [stream, retry, due, delayedKey, deadKey, waiting], [consumerGroup]),
      )) as readonly (number | undefined)[]
      return { ready: ready === -1 ? undefined : ready, inFlight, delayed, retrying, dead }
    },
  }
}

/** Whether a script may create the stream. */
export const mkstream = ({ form }: GroupPlace): string => (form === undefined ? 'MKSTREAM' : '')

/** How many messages a script leaves when it trims the stream. A negative number means that it must not trim. */
export const retained = ({ form }: GroupPlace, { retain }: Settings): number => (form === undefined ? retain : -1)

function requireStream(key: string, type: string): void {
  if (type === 'stream') return
  const found = type === 'none' ? 'does not exist' : `holds a ${type}, and no stream`
  throw new MqError('MQ_TOPIC_MISSING', `The key '${key}' ${found} at Redis`)
}
