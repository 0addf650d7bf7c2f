import Table from 'cli-table3'
import type { Email } from 'postal-mime'
import type { UserOutcome } from './outcome.js'
import { isRefused, type SignedUp } from './sign-ups.js'
import type { Summary } from './tasks/data-processing.js'

export interface Report {
  readonly signedUp: readonly SignedUp[]
  readonly outcomes: readonly UserOutcome[]
  readonly webhooks: { readonly verified: number; readonly duplicates: number; readonly retries: readonly string[] }
  /** How many mails came again. Each was kept once. */
  readonly duplicateMails: number
  readonly summary: Summary | undefined
}

/** Returns the tables, followed by one of the mails. */
export function reportOf(report: Report): string {
  const parts = [overview(report), retried(report), deadLettered(report), refused(report), summaryOf(report)]
  return [...parts, sample(report)].filter((part) => part !== '').join('\n\n')
}

const isDelivered = ({ mails }: UserOutcome): boolean => mails.length > 0

function overview({ signedUp, outcomes, webhooks, duplicateMails }: Report): string {
  const delivered = outcomes.filter(isDelivered)
  const late = delivered.filter(({ retries }) => retries.length > 0)
  return table(
    `Outcomes of ${signedUp.length} sign-ups`,
    ['outcome', 'count', 'how'],
    [
      ['delivered', delivered.length, 'one mail each, with the ID of its user'],
      ['  of which retried', late.length, 'the mailbox was busy at first'],
      [
        'dead-lettered',
        outcomes.filter(({ deadLetter }) => deadLetter !== undefined).length,
        'the mailbox refused for good',
      ],
      ['refused', signedUp.filter(isRefused).length, 'by the web server, with 400'],
      ['webhooks', webhooks.verified, `verified by their signature; ${webhooks.retries.length} retried`],
      ['came twice', duplicateMails + webhooks.duplicates, 'repeated mails and webhooks, each kept once'],
    ],
  )
}

function retried({ outcomes, webhooks }: Report): string {
  const mails = outcomes.flatMap(({ userId, row, retries }) =>
    retries.map((reason, index) => [userId, row.email, `SendEmailTask, run ${index + 1}`, reason]),
  )
  const others = webhooks.retries.map((reason) => ['', '', 'NotificationTask, run 1', reason])
  return table('Retried', ['user', 'address', 'failed', 'because'], [...mails, ...others])
}

function deadLettered({ outcomes }: Report): string {
  const rows = outcomes.flatMap(({ userId, row, deadLetter }) =>
    deadLetter === undefined ? [] : [[userId, row.email, deadLetter]],
  )
  return table('Dead letters of SendEmailTask', ['user', 'address', 'reason'], rows)
}

function refused({ signedUp }: Report): string {
  const rows = signedUp.filter(isRefused).map(({ row, status, reason }) => [row.name, row.email, `${status} ${reason}`])
  return table('Refused by POST /users', ['name', 'address', 'answer'], rows)
}

function summaryOf({ summary }: Report): string {
  if (summary === undefined) return ''
  const countries = Object.entries(summary.countries)
  const rows = Object.entries(summary.domains).map(([domain, count]) => [domain, count] as (string | number)[])
  rows.push([
    `${countries.length} countries`,
    countries
      .slice(0, 6)
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  ])
  rows.push(['unusable rows', summary.unusable])
  return table('The summary file that DataProcessingTask wrote', ['of', 'sign-ups'], rows)
}

/** Shows the mail of user 42, who is in the README, or else the first one. */
function sample({ outcomes }: Report): string {
  const delivered = outcomes.filter(isDelivered)
  const user = delivered.find(({ userId }) => userId === '42') ?? delivered[0]
  const mail = user?.mails[0]
  if (user === undefined || mail === undefined) return ''
  const headers = ['from', 'to', 'subject', 'date', 'message-id'].map((key) => headerLine(mail, key))
  return [
    `The mail of user ${user.userId} (${user.row.name}), as it arrived:`,
    '',
    ...[...headers, '', mail.text?.trimEnd() ?? ''].map((line) => `  ${line}`.trimEnd()),
    '',
    `SendEmailTask returned ${JSON.stringify(user.result)}`,
  ].join('\n')
}

function headerLine({ headers }: Email, key: string): string {
  const header = headers.find((candidate) => candidate.key === key)
  return header === undefined ? `${key}: none` : `${header.originalKey}: ${header.value}`
}

/** Without colours, and with lines only around the table and under its head. */
const plain = { head: [], border: [], compact: true }

function table(title: string, head: string[], rows: readonly (string | number)[][]): string {
  if (rows.length === 0) return ''
  const made = new Table({ head, style: plain })
  made.push(...rows)
  return `${title}\n${made.toString()}`
}
