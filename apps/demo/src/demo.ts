import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { QueueConfig } from '@mq/core'
import PostalMime from 'postal-mime'
import { shownUrl } from './broker.js'
import { problemsOf } from './check.js'
import { createClosers } from './closers.js'
import { createLedger } from './ledger.js'
import type { Mail } from './mailbox.js'
import { mailsOf, outcomesOf } from './outcome.js'
import { servePage } from './page.js'
import { reportOf } from './report.js'
import { type Row, readSignUps } from './sign-ups.js'
import { openStage, type Stage } from './stage.js'
import { type Script, type StoryResult, tellStory } from './story.js'

export interface DemoSettings {
  readonly config: QueueConfig
  readonly database: string | undefined
  readonly port: number
  readonly keep: boolean
  /** The file to start with the command `worker`. */
  readonly entry: string
  readonly timeoutMs: number
  /** Addresses whose mails are lost, to show that the demo notices. */
  readonly swallows: readonly string[]
  /** Aborts when the user wants the demo to end. */
  readonly interrupted: AbortSignal
}

const file = fileURLToPath(new URL('../data/sign-ups.csv', import.meta.url))
const print = (text = ''): void => void process.stdout.write(`${text}\n`)

/**
 * Runs the whole story. Resolves to `interrupted` if the demo was interrupted before there was a verdict. Rejects if a part cannot
 * be started. By then everything that it started has ended.
 */
export async function runDemo(settings: DemoSettings): Promise<'good' | 'bad' | 'interrupted'> {
  const { interrupted, timeoutMs, keep } = settings
  const closers = createClosers()
  const over = new AbortController()
  const interrupt = (): void => over.abort(new Error('It was interrupted'))
  if (interrupted.aborted) interrupt()
  interrupted.addEventListener('abort', interrupt)
  const late = new Error(`The demo was not finished after ${timeoutMs / 1000} s`)
  const deadline = setTimeout(() => over.abort(late), timeoutMs)

  try {
    const run = randomUUID().slice(0, 8)
    const rows = await readSignUps(file)
    const ledger = createLedger(run)
    let onMail: (mail: Mail) => void = () => {}
    const addressesOf = (expect: Row['expect']): string[] =>
      rows.filter((row) => row.expect === expect).map(({ email }) => email)
    const stageOptions = {
      ...settings,
      run,
      bounces: addressesOf('bounce'),
      failsTwice: addressesOf('mail after retries'),
      onMail: (mail: Mail) => onMail(mail),
      report: ledger.record,
      lost: (error: Error) => over.abort(error),
    }
    const stage = await unlessAborted(openStage(stageOptions, closers), over.signal)
    print(`\n${rows.length} people sign up by HTTP, and each gets a mail.\n`)
    print(`${introduction(stage, settings)}\n`)

    const script: Script = { run, rows, file, stage, ledger, signal: over.signal }
    const result = await tellStory(script)
    if (interrupted.aborted) return 'interrupted'
    const problems = [...result.troubles, ...(await verdict(script, result))]
    print(problems.length === 0 ? `\nAll ${rows.length} sign-ups ended as expected.` : complaint(problems))

    const ending = problems.length === 0 ? 'good' : 'bad'
    if (!keep || over.signal.aborted) return ending
    clearTimeout(deadline)
    onMail = announce
    stage.mailbox.acceptAll()
    print(`\n${invitation(stage, await servePage(stage, closers))}`)
    await aborted(over.signal)
    if (interrupted.aborted) return ending
    print(complaint([(over.signal.reason as Error).message]))
    return 'bad'
  } catch (error) {
    if (interrupted.aborted) return 'interrupted'
    throw error
  } finally {
    clearTimeout(deadline)
    interrupted.removeEventListener('abort', interrupt)
    await closers.close()
  }
}

/** Prints the report of the story and returns its problems. */
async function verdict({ run, rows, stage, ledger }: Script, result: StoryResult): Promise<readonly string[]> {
  const { mailbox, webhook } = stage
  const mails = mailsOf(run, mailbox.mails())
  const outcomes = await outcomesOf({ ...result, mails, ledger })
  const webhooks = new Map([...webhook.received()].filter(([id]) => id.startsWith(run)))
  const retries = ledger.retriesOf('notification')
  print()
  print(
    reportOf({
      ...result,
      outcomes,
      webhooks: { verified: webhooks.size, duplicates: webhook.duplicates(), retries },
      duplicateMails: mailbox.duplicates(),
    }),
  )
  const stored = await stage.users.count()
  return problemsOf({ ...result, rows, outcomes, mails, ledger, webhooks, refusals: mailbox.refusals, stored })
}

function introduction({ webUrl, mailbox, webhook, queue, workerIsProcess }: Stage, settings: DemoSettings): string {
  const { config, database } = settings
  const where = workerIsProcess ? 'the worker is a separate process' : 'web server and worker share this process'
  return [
    `  web server   ${webUrl}`,
    `  broker       ${queue.type} (${shownUrl(config.url)}); ${where}`,
    ...(database === undefined
      ? []
      : [`  database     ${shownUrl(database)}; a user and its event are one transaction`]),
    `  mail server  smtp://127.0.0.1:${mailbox.port}`,
    `  webhook      ${webhook.url}`,
  ].join('\n')
}

function invitation({ webUrl }: Stage, pageUrl: string): string {
  const body = JSON.stringify({ name: 'Ada', email: 'ada@example.com', country: 'GB' })
  return [
    'Everything is still running. Sign up yourself, from another terminal:',
    '',
    `  curl -i ${webUrl}/users -H 'content-type: application/json' -d '${body}'`,
    '',
    'Look into the queue, at what was dead-lettered and why. From now on every mailbox exists, so a replay works:',
    '',
    `  ${pageUrl}`,
    '',
    'Every mail that arrives is shown here. Ctrl-C ends it.',
  ].join('\n')
}

function announce({ raw, to }: Mail): void {
  PostalMime.parse(raw).then(
    ({ subject, text }) => print(`\n  mail for ${to}: ${subject}\n  ${text?.trimEnd()}`),
    (error: Error) => print(`\n  mail for ${to} that cannot be read: ${error.message}`),
  )
}

const complaint = (problems: readonly string[]): string =>
  ['', 'These problems were found:', ...problems.map((problem) => `  - ${problem}`)].join('\n')

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

const unlessAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  Promise.race([work, aborted(signal).then(() => Promise.reject(signal.reason))])
