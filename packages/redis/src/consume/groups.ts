import type { AdapterEvent, GroupRef, QueueStats, StartFrom } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import { retryWithin } from '../connection/retry.js'
import type { Settings } from '../options.js'
import { placeOf } from '../wire/keys.js'
import { declareScript, deleteScript, statsScript } from '../wire/scripts/group.js'

/** Creates the operations on groups. All of them may be done twice without harm. */
export function groupOperations(settings: Settings, report: (event: AdapterEvent) => void) {
  const repeat = <T>(what: string, link: Link, work: () => Promise<T>): Promise<T> =>
    retryWithin({ what, link, timeoutMs: 2 * settings.commandTimeoutMs, isRepeatable: true }, work)

  return {
    async declare(link: Link, ref: GroupRef, startFrom: StartFrom): Promise<void> {
      const { keys } = placeOf(settings.prefix, ref)
      const start = startFrom === 'earliest' ? '0' : '$'
      const [wasKnown, wasCreated] = (await repeat(`Declaring the group '${ref.group}'`, link, () =>
        link.run(declareScript, [keys.stream, keys.retry, keys.groups, keys.deleted], [ref.group, start]),
      )) as readonly number[]
      if (wasKnown === 1 && wasCreated === 1) {
        report({ type: 'data-loss', ...ref, reason: 'the stream or its group had vanished at the broker' })
      }
    },
    async delete(link: Link, ref: GroupRef): Promise<void> {
      const { keys } = placeOf(settings.prefix, ref)
      const { stream, groups, deleted, retry, due, dueData, dead, lanes, waiting, open } = keys
      const scriptKeys = [stream, groups, deleted, retry, due, dueData, dead, lanes, waiting, open]
      await repeat(`Deleting the group '${ref.group}'`, link, () =>
        link.run(deleteScript, scriptKeys, [ref.group, settings.retain]),
      )
    },
    async stats(link: Link, ref: GroupRef): Promise<QueueStats> {
      const { stream, retry, due, delayed: delayedKey, dead: deadKey, waiting } = placeOf(settings.prefix, ref).keys
      const [ready, inFlight, delayed, dead] = (await repeat('Reading stats', link, () =>
        link.run(statsScript, [stream, retry, due, delayedKey, deadKey, waiting], [ref.group]),
      )) as readonly [number, number, number, number]
      return { ready: ready === -1 ? undefined : ready, inFlight, delayed, dead }
    },
  }
}
