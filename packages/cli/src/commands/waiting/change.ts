import type { Queue } from '@mq/core'
import type { Command } from 'commander'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { readEntries } from '../../input/entries.js'
import { inParts } from '../../input/parts.js'
import { requireYes } from '../../output/ask.js'
import { safeText } from '../../output/escape.js'
import { plural } from '../../output/show.js'
import type { Session } from '../../session.js'
import type { Register } from '../register.js'
import { requireGroupThere } from '../stats.js'

export const change: Register = (program, run) => {
  program
    .command('remove <topic> <group> <entries...>')
    .description('remove messages that wait from a group for good; other groups keep theirs')
    .addHelpText('after', removeHelp)
    .action(
      run(async (session, _: Command, topic: string, group: string, entries: readonly string[]) => {
        const entryIds = await readEntries(entries, session.stdin)
        const text = `Remove ${plural(entryIds.length, 'message')} of ${safeText(topic)}/${safeText(group)} for good?`
        const isYes = session.options.yes === true
        if (entryIds.length > 0) await requireYes({ ...session, isYes, text })
        const carryOut = async (queue: Queue, ids: readonly string[]): Promise<number> =>
          (await queue.waiting(topic, group).remove(ids)).removed
        await changeAll(session, { topic, group, entryIds, done: 'removed', carryOut })
      }),
    )

  program
    .command('run-now <topic> <group> <entries...>')
    .description('make messages ready that are delayed or retrying, before their time')
    .addHelpText('after', runNowHelp)
    .action(
      run(async (session, _: Command, topic: string, group: string, entries: readonly string[]) => {
        const entryIds = await readEntries(entries, session.stdin)
        const carryOut = async (queue: Queue, ids: readonly string[]): Promise<number> =>
          (await queue.waiting(topic, group).runNow(ids)).readied
        await changeAll(session, { topic, group, entryIds, done: 'readied', carryOut })
      }),
    )
}

interface Changes {
  readonly topic: string
  readonly group: string
  readonly entryIds: readonly string[]
  readonly done: 'removed' | 'readied'
  readonly carryOut: (queue: Queue, ids: readonly string[]) => Promise<number>
}

/** Works part by part. What has gone or runs meanwhile is left alone, and not counted. */
async function changeAll(session: Session, { topic, group, entryIds, done, carryOut }: Changes): Promise<void> {
  const { screen, options, signal } = session
  await session.withQueue(async (queue) => {
    const changed = await inParts({ session, entryIds, done, carryOut: (ids) => carryOut(queue, ids) })
    if (changed === 0 && !signal.aborted) requireGroupThere(await queue.stats(topic, group), { topic, group })
    if (options.json) await screen.json({ [done]: changed, interrupted: signal.aborted })
    else await screen.line(`${done} ${plural(changed, 'message')}`)
    if (signal.aborted) {
      throw new CommandFailure(exitCode.brokenOff, 'Broken off. The same command goes on with the rest')
    }
    if (changed === 0) throw new CommandFailure(exitCode.notFound, 'None of these entries waits')
    if (changed < entryIds.length) screen.note(`mq: ${plural(entryIds.length - changed, 'entry', 'entries')} had gone`)
  })
}

const removeHelp = `
The entries are those of "mq waiting"; "-" reads them from stdin, one a line. A message that runs is not removed.
It asks first, unless --yes is given. Ctrl-C ends it after the current part of at most 250.

Examples:
  mq remove mail mailer 1732868400000-0
  mq waiting mail mailer --state delayed --json | jq -r '.messages[].entryId' | mq remove mail mailer - --yes`

const runNowHelp = `
The entries are those of "mq waiting --state delayed" or "--state retrying"; "-" reads them from stdin, one a line. It counts no attempt.

Examples:
  mq run-now mail mailer 1732868400000-0
  mq waiting mail mailer --state retrying --json | jq -r '.messages[].entryId' | mq run-now mail mailer -`
