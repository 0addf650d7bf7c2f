import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { createScheduler } from '@mq/core'
import { type Ledger, routedTask } from './ledger.js'
import { deadLettersOf, mailsOf } from './outcome.js'
import { type Counts, createProgress } from './progress.js'
import { isAccepted, postSignUp, type Row, type SignedUp } from './sign-ups.js'
import type { Stage } from './stage.js'
import { DataProcessingTask, type Summary } from './tasks/data-processing.js'

export interface Script {
  /** The prefix of the ids of all events and tasks of this run. */
  readonly run: string
  readonly rows: readonly Row[]
  /** The file that holds the rows. */
  readonly file: string
  readonly stage: Stage
  readonly ledger: Ledger
  /** Ends the story early. */
  readonly signal: AbortSignal
}

export interface StoryResult {
  readonly signedUp: readonly SignedUp[]
  /** The reasons that the broker keeps, by the id of the task. */
  readonly deadLetters: ReadonlyMap<string, string>
  readonly summary: Summary | undefined
  /** The errors that ended the story early. */
  readonly troubles: readonly string[]
}

/** The pause between two sign-ups, long enough to watch them. */
const paceMs = 20
const pollMs = 25

/** Signs everybody up, enqueues the summary, and waits until every task has ended. Never rejects: errors are part of the result. */
export async function tellStory(script: Script): Promise<StoryResult> {
  const { run, rows, file, stage, ledger, signal } = script
  const signedUp: SignedUp[] = []
  const progress = createProgress(totalsOf(rows), process.stdout)
  let summary: Summary | undefined
  let counted = 0
  const counts = (): Counts => ({ ...countsOf(script, signedUp), summary: counted })
  const display = setInterval(() => progress.update(counts()), 100)
  const target = join(stage.folder, 'summary.json')
  const summaryTask = `${run}.summary`
  let deadLetters: ReadonlyMap<string, string> = new Map()
  const troubles: string[] = []

  try {
    for (const row of rows) {
      signedUp.push(await postSignUp(`${stage.webUrl}/users`, row, signal))
      await pause(paceMs, undefined, { signal })
    }
    const scheduler = createScheduler(stage.queue)
    // Then the wait for the summary below rejects.
    signal.addEventListener('abort', () => void scheduler.stop(), { once: true })
    const options = { id: summaryTask, reply: true } as const
    const counting = await scheduler.enqueue(new DataProcessingTask(), { source: file, target }, options)
    for await (const { fraction } of counting.progress()) counted = Math.floor(fraction * rows.length)
    summary = (await counting.result()).summary
    await until(() => [summaryTask, ...tasksOf(signedUp)].every(ledger.isOver), signal)
    await until(async () => {
      deadLetters = await deadLettersOf(stage.queue, 'send-email')
      return tasksOf(signedUp).every((id) => !isMailTask(id) || ledger.get(id)?.end !== 'dead' || deadLetters.has(id))
    }, signal)
  } catch (error) {
    troubles.push(((signal.aborted ? signal.reason : error) as Error).message)
  }
  clearInterval(display)
  progress.stop(counts())
  const written = await readSummary(target)
  if (!isDeepStrictEqual(written, summary)) troubles.push('The summary file is not what DataProcessingTask answered')
  return { signedUp, deadLetters, summary, troubles }
}

const tasksOf = (signedUp: readonly SignedUp[]): string[] =>
  signedUp
    .filter(isAccepted)
    .flatMap(({ eventId }) => [routedTask(eventId, 'send-email'), routedTask(eventId, 'notification')])

const isMailTask = (id: string): boolean => id.endsWith('/send-email')

async function until(condition: () => boolean | Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await condition())) await pause(pollMs, undefined, { signal })
}

function totalsOf(rows: readonly Row[]): Omit<Counts, 'retries'> {
  const good = rows.filter(({ expect }) => expect !== 'refused').length
  const mails = rows.filter(({ expect }) => expect.startsWith('mail')).length
  return { signUps: rows.length, events: good, mailTasks: good, mails, webhooks: good, summary: rows.length }
}

function countsOf({ run, stage, ledger }: Script, signedUp: readonly SignedUp[]): Omit<Counts, 'summary'> {
  return {
    signUps: signedUp.length,
    events: ledger.routed('send-email'),
    mailTasks: ledger.over('send-email'),
    mails: mailsOf(run, stage.mailbox.mails()).length,
    webhooks: ledger.over('notification'),
    retries: ledger.retries(),
  }
}

async function readSummary(path: string): Promise<Summary | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Summary
  } catch {
    return undefined
  }
}
