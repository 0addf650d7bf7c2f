import { type AdapterEvent, MqError } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import { type GroupPlace, topicsKey } from '../wire/keys.js'
import { restoreScript } from '../wire/scripts/group.js'
import { addTopicScript } from '../wire/scripts/names.js'
import { mkstream } from './groups.js'
import type { Runs } from './runs.js'

export interface RestoreParts {
  readonly prefix: string
  readonly place: GroupPlace
  readonly link: Link
  readonly runs: Runs
  readonly report: (event: AdapterEvent) => void
  /** The latest entry of the topic's stream that the consumer received. */
  readonly after: string
}

/**
 * Creates a group again after it vanished under a consumer. Its claims have vanished too, so all handlers that run lose their messages.
 * Rejects with a `CommandError`.
 */
export async function restoreGroup({ prefix, place, link, runs, report, after }: RestoreParts): Promise<void> {
  const { stream, retry, groups, deleted } = place.keys
  const reply = await link.run(
    restoreScript,
    [stream, retry, groups, deleted],
    [place.consumerGroup, after, mkstream(place)],
  )
  if (place.form === undefined) link.run(addTopicScript, [topicsKey(prefix)], [place.topic]).catch(() => {})
  const [wasCreated, wasDeleted] = reply as readonly number[]
  const reason =
    wasDeleted === 1 ? 'the group was deleted under its consumers' : 'the stream or its group vanished at the broker'
  for (const run of runs.all) runs.lose(run, new MqError('MQ_OWNERSHIP_LOST', reason))
  if (wasCreated === 1) report({ type: 'data-loss', topic: place.topic, group: place.group, reason })
}
