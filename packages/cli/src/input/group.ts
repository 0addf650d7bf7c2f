import { workersGroup } from '@mq/core/adapter'
import { usageFailure } from '../exit-codes.js'
import type { Terminal } from '../terminal.js'

/** Returns the group that is meant: the one that was named, that of a task's workers, or `MQ_GROUP`. */
export function groupOf({ env }: Pick<Terminal, 'env'>, topic: string, given: string | undefined): string {
  const group = given ?? (topic.startsWith('task.') ? workersGroup : env.MQ_GROUP)
  if (!group) throw usageFailure('Which group? Name it after the topic, or set MQ_GROUP')
  return group
}
