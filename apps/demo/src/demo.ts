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
import { reportOf } from './report.js'
import { type Row, readSignUps } from './sign-ups.js'
import { openStage, type Stage } from './stage.js'
import { type Script, type Told, tell } from './story.js'

export interface DemoSettings {
  readonly config: QueueConfig
  readonly port: number
  readonly keep: boolean
  /** The file that understands the command `worker`. */
  readonly entry: string
  readonly timeoutMs: number
  /** Addresses whose mails get lost, to see that the demo notices. */
  readonly swallows: readonly string[]
  /** Aborts when somebody wants the demo to end. */
  readonly interrupted: AbortSignal
}

const file = fileURLToPath(new URL('../data/sign-ups.csv', import.meta.url))
const print = (text = ''): void => void process.stdout.write(`${text}\n`)

/**
 * Runs the whole story and says how it went: `interrupted`, if it was, before that could be said. Rejects when a part cannot
 * be started. Everything that it started has ended then.
 */
export async function runDemo(settings: DemoSettings): Promise<'good' | 'bad' | 'interrupted'> {
  const { interrupted, timeoutMs, keep } = settings
  const closers = createClosers()
  const over = new AbortController()
  const interrupt = (): void => over.abort(new Error('It was interrupted'))
  if (interrupted.aborted) interrupt()
  interrupted.addEventListener('abort', interrupt)
  const late = new Error(`Not everything was over within ${timeoutMs / 1000} s`)
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
    print(`\n${rows.length} people sign up by HTTP, and a mail finds its way to each.\n`)
    print(`${introduction(stage, settings)}\n`)

    const script: Script = { run, rows, file, stage, ledger, signal: over.signal }
    const told = await tell(script)
    if (interrupted.aborted) return 'interrupted'
    const problems = [...told.troubles, ...(await verdict(script, told))]
    print(problems.length === 0 ? `\nAll ${rows.length} sign-ups became what they should.` : complaint(problems))

    const ending = problems.length === 0 ? 'good' : 'bad'
    if (!keep || over.signal.aborted) return ending
    clearTimeout(deadline)
    onMail = announce
    print(`\n${invitation(stage)}`)
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

/** Prints what came of it and returns what is wrong with it. */
async function verdict({ run, rows, stage, ledger }: Script, told: Told): Promise<readonly string[]> {
  const { mailbox, webhook } = stage
  const mails = mailsOf(run, mailbox.mails())
  const outcomes = await outcomesOf({ ...told, mails, ledger })
  const webhooks = new Map([...webhook.received()].filter(([id]) => id.startsWith(run)))
  const retries = ledger.retriesOf('notification')
  print()
  print(
    reportOf({
      ...told,
      outcomes,
      webhooks: { verified: webhooks.size, duplicates: webhook.duplicates(), retries },
      duplicateMails: mailbox.duplicates(),
    }),
  )
  return problemsOf({ ...told, rows, outcomes, mails, ledger, webhooks, refusals: mailbox.refusals })
}

function introduction({ webUrl, mailbox, webhook, queue, workerIsProcess }: Stage, { config }: DemoSettings): string {
  const where = workerIsProcess ? 'the worker is a process of its own' : 'web server and worker share this process'
  return [
    `  web server   ${webUrl}`,
    `  broker       ${queue.type} (${shownUrl(config.url)}); ${where}`,
    `  mail server  smtp://127.0.0.1:${mailbox.port}`,
    `  webhook      ${webhook.url}`,
  ].join('\n')
}

function invitation({ webUrl }: Stage): string {
  const body = JSON.stringify({ name: 'Ada', email: 'ada@example.com', country: 'GB' })
  return [
    'Everything is still up. Sign up yourself, from another terminal:',
    '',
    `  curl -i ${webUrl}/users -H 'content-type: application/json' -d '${body}'`,
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
  ['', 'This is not as it should be:', ...problems.map((problem) => `  - ${problem}`)].join('\n')

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

const unlessAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  Promise.race([work, aborted(signal).then(() => Promise.reject(signal.reason))])
