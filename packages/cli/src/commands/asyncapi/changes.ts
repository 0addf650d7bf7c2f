import type { AsyncapiDocument, Breaks, Change } from '@mq/asyncapi'
import { CommandFailure, exitCode, usageFailure } from '../../exit-codes.js'
import { safeText } from '../../output/escape.js'
import type { Session } from '../../session.js'
import type { AsyncapiPackage } from './documents.js'

/** The values of `--fail-on`: those whose trouble ends the command with exit code 1. */
export const failures = ['any', 'readers', 'writers', 'none'] as const

export type FailOn = (typeof failures)[number]

export const failOnOption = ['--fail-on <whom>', `whose trouble is a failure: ${failures.join(', ')}`, 'any'] as const

export function readFailOn(text: string): FailOn {
  const found = failures.find((name) => name === text)
  if (found === undefined) throw usageFailure(`--fail-on is one of ${failures.join(', ')}`)
  return found
}

interface Comparison {
  readonly before: AsyncapiDocument
  readonly after: AsyncapiDocument
  readonly failOn: FailOn
}

/** Shows what has changed. Ends the command with 1 if a change breaks those that count. */
export async function showChanges(
  { screen, options }: Session,
  { compareDocuments }: AsyncapiPackage,
  { before, after, failOn }: Comparison,
): Promise<void> {
  const changes = compareDocuments(before, after)
  if (options.json) await screen.json(changes)
  else if (changes.length === 0) screen.note('mq: nothing has changed for readers and writers')
  else await screen.table({ head: ['breaks', 'channel', 'field', 'change'], rows: changes.map(rowOf) })
  const [readers, writers] = [countOf(changes, 'readers'), countOf(changes, 'writers')]
  const counted = { any: readers + writers, readers, writers, none: 0 }[failOn]
  if (counted === 0) return
  throw new CommandFailure(exitCode.failed, `${times(readers)} readers, and ${times(writers)} writers`)
}

const rowOf = ({ breaks, channel, message, path, text }: Change): readonly string[] => [
  breaks,
  safeText(message === undefined ? channel : `${channel}/${message}`),
  path === '' ? '-' : safeText(path),
  safeText(text),
]

const countOf = (changes: readonly Change[], whom: Breaks): number =>
  changes.filter(({ breaks }) => breaks === whom || breaks === 'both').length

const times = (count: number): string => (count === 1 ? '1 change breaks' : `${count} changes break`)
