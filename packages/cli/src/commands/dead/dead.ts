import type { Command } from 'commander'
import { collect } from '../../input/collect.js'
import { requireCount, requireRate } from '../../input/duration.js'
import { readWhere, whereFields } from '../../input/where.js'
import type { Register } from '../register.js'
import { purge, replay } from './change.js'
import { listDead } from './list.js'
import type { Selection } from './select.js'
import { showDead } from './show.js'

const defaultListed = '100'

export const dead: Register = (program, run) => {
  const parent = program
    .command('dead')
    .description('list, show, replay and purge the messages that a group gave up on')
  const filtered = (name: string, description: string): Command =>
    parent
      .command(name)
      .description(description)
      .option('--where <condition>', 'only those for which this holds; may be given again', collect, [])

  filtered('list <topic> <group>', 'list dead letters, the oldest first')
    .option('--limit <count>', 'how many at most', defaultListed)
    .addHelpText('after', listHelp)
    .action(
      run(async (session, command: Command, topic: string, group: string) => {
        await listDead(session, selectionOf(command, { topic, group }))
      }),
    )

  parent
    .command('show <topic> <group> <entry>')
    .description('show one dead letter whole, with its data and the stack of its error')
    .addHelpText('after', '\nExamples:\n  mq dead show mail mailer 1732868400000-0')
    .action(
      run(async (session, _: Command, topic: string, group: string, entry: string) => {
        await showDead(session, { topic, group, entryIds: [entry], where: [], limit: 1 })
      }),
    )

  filtered('replay <topic> <group> [entries...]', 'send dead letters to their group again, the oldest first')
    .option('--limit <count>', 'how many at most')
    .option('--rate <number>', 'how many a second, or such as 600/m')
    .addHelpText('after', replayHelp)
    .action(
      run(async (session, command: Command, topic: string, group: string, entryIds: readonly string[] = []) => {
        const { rate } = command.opts<{ rate?: string }>()
        const pace = rate === undefined ? undefined : requireRate(rate)
        await replay(session, selectionOf(command, { topic, group, entryIds }), pace)
      }),
    )

  filtered('purge <topic> <group> [entries...]', 'remove dead letters for good, the oldest first')
    .option('--limit <count>', 'how many at most')
    .addHelpText('after', purgeHelp)
    .action(
      run(async (session, command: Command, topic: string, group: string, entryIds: readonly string[] = []) => {
        await purge(session, selectionOf(command, { topic, group, entryIds }))
      }),
    )
}

function selectionOf(
  command: Command,
  named: Pick<Selection, 'topic' | 'group'> & Partial<Pick<Selection, 'entryIds'>>,
): Selection {
  const { where, limit } = command.opts<{ where: readonly string[]; limit?: string }>()
  // A condition that cannot be read is reported before anything is opened.
  readWhere(where)
  const count = limit === undefined ? undefined : requireCount(limit, '--limit')
  return { entryIds: [], ...named, where, limit: count }
}

const whereHelp = `
A condition compares a field with = != ~ (contains) < <= > or >=. Several have to hold together.
Fields: ${whereFields}.`

const listHelp = `${whereHelp}

Examples:
  mq dead list mail mailer
  mq dead list mail mailer --where reason=timeout --where 'age>2h'
  mq dead list mail mailer --where data.to=ada@example.com --json | jq -r '.[].entryId'`

const replayHelp = `${whereHelp}

It works in parts of at most 500. Ctrl-C ends it after the current part; the same command goes on with the rest.
What dies again meanwhile is left alone.

Examples:
  mq dead replay mail mailer
  mq dead replay mail mailer 1732868400000-0
  mq dead replay mail mailer --where error.code=ECONNREFUSED --rate 50`

const purgeHelp = `${whereHelp}

It asks first, unless --yes is given. Ctrl-C ends it after the current part.

Examples:
  mq dead purge mail mailer --where reason=undecodable
  mq dead purge mail mailer --where 'age>30d' --yes`
