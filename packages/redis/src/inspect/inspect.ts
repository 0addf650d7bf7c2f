import { type Adapter, MqError } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import { retryWithin } from '../connection/retry.js'
import type { Settings } from '../options.js'
import { placeOf } from '../wire/keys.js'
import { encodeMark } from '../wire/pause-mark.js'
import { pauseScript, resumeScript } from '../wire/scripts/pause.js'
import { listGroups, listTopics } from './names.js'
import { waitingStore } from './waiting.js'

type Inspection = Required<Pick<Adapter, 'topics' | 'groups' | 'waiting' | 'pauseGroup' | 'resumeGroup'>>

/** Creates the members of the adapter that look into the broker, and those that pause groups. */
export function inspectionOf(settings: Settings, link: () => Link): Inspection {
  const timeoutMs = 2 * settings.commandTimeoutMs
  return {
    topics: async (page) => await listTopics(settings, link(), page),
    groups: async (ref, page) => await listGroups(settings, link(), { ref, page }),
    waiting: (ref) => waitingStore({ place: placeOf(settings.prefix, ref), link, timeoutMs }),
    async pauseGroup(ref, mark) {
      const { keys, consumerGroup } = placeOf(settings.prefix, ref)
      const options = { what: `Pausing the group '${ref.group}'`, link: link(), timeoutMs, isRepeatable: true }
      const isThere = await retryWithin(options, () =>
        options.link.run(pauseScript, [keys.groups, keys.paused, keys.gate], [consumerGroup, encodeMark(mark)]),
      )
      if (isThere === 1) return
      throw new MqError('MQ_GROUP_MISSING', `The topic '${ref.topic}' has no group '${ref.group}'`)
    },
    async resumeGroup(ref) {
      const { keys, consumerGroup } = placeOf(settings.prefix, ref)
      const options = { what: `Resuming the group '${ref.group}'`, link: link(), timeoutMs, isRepeatable: true }
      await retryWithin(options, () => options.link.run(resumeScript, [keys.paused], [consumerGroup]))
    },
  }
}
