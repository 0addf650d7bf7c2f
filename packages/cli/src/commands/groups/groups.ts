import type { GroupInfo } from '@mq/core'
import type { Command } from 'commander'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { type Part, partOf, readPages, withPages } from '../../input/pages.js'
import { safeText } from '../../output/escape.js'
import { noteMore } from '../../output/more.js'
import { pauseJson, shownPause } from '../../output/pause.js'
import { shownCount } from '../../output/show.js'
import type { Session } from '../../session.js'
import type { Register } from '../register.js'

export const groups: Register = (program, run) => {
  withPages(program.command('groups <topic>'))
    .description('list the groups of a topic, with the number of their consumers')
    .addHelpText('after', examples)
    .action(run((session, command: Command, topic: string) => listGroups(session, topic, partOf(command))))
}

const examples = `
An ephemeral group belongs to a subscription that reads along, and ends with it. A number of consumers that the broker does not know is
"unknown", and null in JSON. RabbitMQ needs its management API: MQ_MANAGEMENT_URL=http://localhost:15672.

Examples:
  mq groups mail
  mq groups mail --json | jq -r '.groups[] | select(.consumers == 0) | .group'`

async function listGroups(session: Session, topic: string, part: Part): Promise<void> {
  const { screen, options, signal } = session
  await session.withQueue(async (queue) => {
    const { items, next } = await readPages((page) => queue.groups(topic, page), part, signal)
    if (options.json) await screen.json({ topic, groups: items.map(groupJson), next: next ?? null })
    else if (items.length > 0) await screen.table({ head, numbers: ['consumers'], rows: items.map(row) })
    if (items.length === 0) {
      throw new CommandFailure(exitCode.notFound, `The topic '${topic}' has no group`)
    }
    if (!options.json) noteMore(screen, next)
  })
}

const head = ['group', 'consumers', 'kind', 'paused']

const row = ({ group, consumers, ephemeral, paused }: GroupInfo): readonly string[] => [
  safeText(group),
  shownCount(consumers),
  ephemeral ? 'ephemeral' : 'lasting',
  shownPause(paused),
]

const groupJson = ({ group, consumers, ephemeral, paused }: GroupInfo) => ({
  group,
  consumers: consumers ?? null,
  ephemeral,
  paused: pauseJson(paused),
})
