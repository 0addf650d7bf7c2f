import type { Queue, QueueStats } from '@mq/core'
import type { Command } from 'commander'
import { CommandFailure, exitCode } from '../exit-codes.js'
import { requireDuration } from '../input/duration.js'
import { groupOf } from '../input/group.js'
import { pause } from '../input/pause.js'
import { safeText } from '../output/escape.js'
import { pauseJson, shownPause } from '../output/pause.js'
import { shownCount, shownDuration, shownTime } from '../output/show.js'
import type { Session } from '../session.js'
import type { Register } from './register.js'

const counts = ['ready', 'inFlight', 'delayed', 'retrying', 'dead'] as const
const ageNames = ['oldestReadyMs', 'oldestDeadMs'] as const
const ages = ['oldest ready', 'oldest dead'] as const

export const stats: Register = (program, run) => {
  program
    .command('stats <topic> [group]')
    .description('count the messages of a group, and show how old they are and whether it is paused')
    .option('--watch', 'count again and again, until Ctrl-C')
    .option('--every <duration>', 'how often with --watch', '2s')
    .addHelpText('after', examples)
    .action(
      run(async (session, command: Command, topic: string, given?: string) => {
        const { watch = false, every } = command.opts<{ watch?: boolean; every: string }>()
        const group = groupOf(session, topic, given)
        const everyMs = requireDuration(every, '--every')
        await session.withQueue((queue) => (watch ? watchStats : showOnce)(queue, { session, topic, group, everyMs }), {
          isWatching: watch,
        })
      }),
    )
}

const examples = `
What the broker does not know is shown as "unknown", and as null in JSON. An age is "-" if there is nothing to be old, and 0 in JSON.

Examples:
  mq stats mail mailer
  mq stats task.resize              the group of a task's workers
  mq stats mail mailer --watch
  mq stats mail mailer --json | jq .dead`

interface Asked {
  readonly session: Session
  readonly topic: string
  readonly group: string
  readonly everyMs: number
}

async function showOnce(queue: Queue, { session: { screen, options }, topic, group }: Asked): Promise<void> {
  const found = await queue.stats(topic, group)
  requireGroupThere(found, { topic, group })
  if (options.json) await screen.json(statsJson({ topic, group }, found))
  else await screen.table({ ...layout, rows: [row({ topic, group }, found)] })
}

async function watchStats(queue: Queue, { session, topic, group, everyMs }: Asked): Promise<void> {
  const { screen, options, signal } = session
  while (!signal.aborted) {
    const found = await queue.stats(topic, group)
    if (options.json) await screen.json({ time: new Date().toISOString(), ...statsJson({ topic, group }, found) })
    else {
      const rows = [row({ topic, group }, found)]
      await screen.page(`${shownTime(Date.now())}\n${screen.layOut({ ...layout, rows })}`)
    }
    await pause(everyMs, signal)
  }
}

const layout = { head: ['topic', 'group', ...counts, ...ages, 'paused'], numbers: [...counts, ...ages] }

const row = ({ topic, group }: { topic: string; group: string }, found: QueueStats): readonly string[] => [
  safeText(topic),
  safeText(group),
  ...counts.map((name) => shownCount(found[name])),
  shownAge(found.oldestReadyMs),
  shownAge(found.oldestDeadMs),
  shownPause(found.paused),
]

const shownAge = (ms: number | undefined): string => (ms === 0 ? '-' : shownDuration(ms))

const statsJson = ({ topic, group }: { topic: string; group: string }, found: QueueStats) => ({
  topic,
  group,
  ...Object.fromEntries([...counts, ...ageNames].map((name) => [name, found[name] ?? null])),
  paused: pauseJson(found.paused),
})

/** A broker that knows nothing of a group has no such group. */
export function requireGroupThere(found: QueueStats, { topic, group }: { topic: string; group: string }): void {
  if (counts.some((name) => found[name] !== undefined)) return
  throw new CommandFailure(exitCode.notFound, `There is no group '${group}' of the topic '${topic}'`)
}
