import { type Ledger, routedTask } from './ledger.js'
import type { Mail } from './mailbox.js'
import type { UserOutcome } from './outcome.js'
import { isRefused, type Row, type SignedUp } from './sign-ups.js'
import type { Summary } from './tasks/data-processing.js'

export interface Checked {
  readonly rows: readonly Row[]
  readonly signedUp: readonly SignedUp[]
  readonly outcomes: readonly UserOutcome[]
  /** All mails of this run, to all addresses. */
  readonly mails: readonly Mail[]
  readonly ledger: Ledger
  /** The bodies of webhooks by their id. */
  readonly webhooks: ReadonlyMap<string, string>
  /** How often the mailbox answered an address with 4xx or 5xx. */
  readonly refusals: (address: string) => number
  readonly summary: Summary | undefined
  /** How many users are in the database. Undefined without one. */
  readonly stored?: number | undefined
}

const subject = 'Welcome to our platform'
const welcomeText = (userId: string): string => `Hello, thank you for registering with us! Your user ID is ${userId}.`

/** Lists everything that is missing or wrong, one line each. Empty if every sign-up ended as its row expects. */
export function problemsOf(checked: Checked): readonly string[] {
  const { rows, signedUp, outcomes, summary } = checked
  const problems = rows.slice(signedUp.length).map(({ email }) => `${email}: was never sent to the web server`)
  for (const refused of signedUp.filter(isRefused)) {
    const { row, status, reason } = refused
    if (row.expect !== 'refused') problems.push(`${row.email}: was answered ${status}, ${reason}`)
    else if (status !== 400 || reason === '')
      problems.push(`${row.email}: should be a 400 with a reason, not ${status}`)
  }
  for (const outcome of outcomes) {
    problems.push(...problemsOfUser(outcome, checked).map((problem) => `${shown(outcome)}: ${problem}`))
  }
  problems.push(...straysOf(checked))
  const { stored } = checked
  if (stored !== undefined && stored !== outcomes.length) {
    problems.push(`The database has ${stored} users, and ${outcomes.length} were accepted`)
  }
  if (summary === undefined) problems.push('DataProcessingTask answered with no summary')
  else if (summary.rows !== rows.length) problems.push(`The summary counts ${summary.rows} of ${rows.length} sign-ups`)
  return problems
}

function straysOf({ outcomes, mails, webhooks }: Checked): string[] {
  const addresses = new Set(outcomes.map(({ row }) => row.email))
  const ids = new Set(outcomes.map(({ eventId }) => routedTask(eventId, 'notification')))
  const strayMails = mails.filter(({ to }) => !addresses.has(to)).map(({ to }) => to)
  const strayWebhooks = [...webhooks.keys()].filter((id) => !ids.has(id))
  return [
    ...strayMails.map((to) => `${to}: got a mail, but its sign-up was not accepted`),
    ...strayWebhooks.map((id) => `A webhook arrived that belongs to no sign-up: ${id}`),
  ]
}

const shown = ({ userId, row }: UserOutcome): string => `${row.email} (user ${userId})`

function problemsOfUser(outcome: UserOutcome, { ledger, webhooks, refusals }: Checked): string[] {
  const { row, eventId, userId, deadLetter } = outcome
  const problems: string[] = []
  if (row.expect === 'refused') problems.push('was accepted, but its row says that it is refused')
  else if (row.expect === 'bounce') problems.push(...problemsOfBounce(outcome))
  else problems.push(...problemsOfMails(outcome), ...(deadLetter === undefined ? [] : [`is dead: ${deadLetter}`]))
  if (row.expect === 'mail after retries' && refusals(row.email) < 2) {
    problems.push(`was refused ${refusals(row.email)} times before it was accepted, not twice`)
  }
  const taskId = routedTask(eventId, 'notification')
  const body = webhooks.get(taskId)
  if (body === undefined) problems.push(`no webhook arrived (${ledger.get(taskId)?.reason ?? 'and none has failed'})`)
  else if (!body.includes(`"userId":"${userId}"`)) problems.push(`its webhook is about somebody else: ${body}`)
  return problems
}

function problemsOfBounce({ mails, deadLetter }: UserOutcome): string[] {
  if (mails.length > 0) return ['got a mail, but its mailbox bounces']
  if (deadLetter === undefined) return ['bounced, but is not in the dead letters']
  return deadLetter.includes('550') ? [] : [`is in the dead letters for another reason: ${deadLetter}`]
}

function problemsOfMails({ userId, mails }: UserOutcome): string[] {
  const [mail] = mails
  if (mail === undefined) return ['no mail arrived']
  if (mails.length > 1) return [`${mails.length} mails arrived instead of one`]
  const problems: string[] = []
  if (mail.subject !== subject) problems.push(`the subject of its mail is '${mail.subject}'`)
  const text = mail.text?.trimEnd()
  if (text !== welcomeText(userId)) problems.push(`its mail says '${text}'`)
  return problems
}
