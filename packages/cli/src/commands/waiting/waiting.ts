import type { MessageState, WaitingMessage } from '@mq/core'
import type { Command } from 'commander'
import { usageFailure } from '../../exit-codes.js'
import { groupOf } from '../../input/group.js'
import { type Part, partOf, readPages, withPages } from '../../input/pages.js'
import { safeText, shortened } from '../../output/escape.js'
import { shownData, waitingJson } from '../../output/message.js'
import { noteMore } from '../../output/more.js'
import { shownDuration } from '../../output/show.js'
import type { Session } from '../../session.js'
import type { Register } from '../register.js'
import { requireGroupThere } from '../stats.js'

const states: readonly MessageState[] = ['ready', 'delayed', 'retrying', 'inFlight']

export const waiting: Register = (program, run) => {
  withPages(program.command('waiting <topic> [group]'))
    .description('list the messages that a group has not finished, without taking them')
    .option('--state <state>', `which: ${states.join(', ')}`, 'ready')
    .addHelpText('after', examples)
    .action(
      run(async (session, command: Command, topic: string, given?: string) => {
        const { state } = command.opts<{ state: string }>()
        const group = groupOf(session, topic, given)
        await listWaiting(session, { topic, group, state: stateOf(state), part: partOf(command) })
      }),
    )
}

const examples = `
ready waits for a consumer, delayed for the time that its publisher has set, retrying for its next run after one that failed, and inFlight
runs now. The ids of its first column are for "mq remove" and "mq run-now".

Examples:
  mq waiting mail mailer
  mq waiting mail mailer --state retrying
  mq waiting mail mailer --state inFlight --json | jq -r '.messages[0].startedAt'`

/** Takes a state in any case, and \`in-flight\` too. */
function stateOf(text: string): MessageState {
  const plain = text.replaceAll('-', '').toLowerCase()
  const state = states.find((one) => one.toLowerCase() === plain)
  if (state === undefined) throw usageFailure(`--state is one of ${states.join(', ')}`)
  return state
}

interface Wanted {
  readonly topic: string
  readonly group: string
  readonly state: MessageState
  readonly part: Part
}

async function listWaiting(session: Session, { topic, group, state, part }: Wanted): Promise<void> {
  const { screen, options, signal } = session
  await session.withQueue(async (queue) => {
    const messages = queue.waiting(topic, group)
    const { items, next } = await readPages((page) => messages.list({ ...page, state }), part, signal)
    if (items.length === 0) requireGroupThere(await queue.stats(topic, group), { topic, group })
    if (options.json) await screen.json({ topic, group, messages: items.map(waitingJson), next: next ?? null })
    else if (items.length > 0) await screen.table(layOut(state, items))
    else screen.note(`mq: no message is ${shownState[state]}`)
    if (!options.json) noteMore(screen, next)
  })
}

const shownState: Readonly<Record<MessageState, string>> = {
  ready: 'ready',
  delayed: 'delayed',
  retrying: 'retrying',
  inFlight: 'in flight',
}

type Column = readonly [name: string, cell: (one: WaitingMessage) => string]

/** The column of time, as it means something else for each state. */
const times: Readonly<Record<MessageState, readonly Column[]>> = {
  ready: [],
  delayed: [['due in', ({ dueAt }) => shownRest(dueAt)]],
  retrying: [
    ['due in', ({ dueAt }) => shownRest(dueAt)],
    ['error', ({ failure }) => (failure === undefined ? '' : shortened(failure.error.message, 50))],
  ],
  inFlight: [
    ['runs for', ({ startedAt }) => shownDuration(startedAt === undefined ? undefined : Date.now() - startedAt)],
  ],
}

const shownRest = (dueAt: number | undefined): string =>
  dueAt === undefined ? 'unknown' : dueAt <= Date.now() ? 'now' : shownDuration(dueAt - Date.now())

function layOut(state: MessageState, items: readonly WaitingMessage[]) {
  const columns: readonly Column[] = [
    ['entry', ({ entryId }) => safeText(entryId)],
    ['id', ({ message }) => shortened(message.id, 40)],
    ['attempt', ({ attempt }) => String(attempt)],
    ...times[state],
    ['data', ({ data, tombstone, message }) => (tombstone ? '(tombstone)' : shownData(data, 60, message.body))],
  ]
  return {
    head: columns.map(([name]) => name),
    numbers: ['attempt', 'due in', 'runs for'],
    rows: items.map((one) => columns.map(([, cell]) => cell(one))),
  }
}
