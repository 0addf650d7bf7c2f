import type { DeadLetter } from '@mq/core'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { safeJson, safeLines, safeText } from '../../output/escape.js'
import { deadLetterJson } from '../../output/message.js'
import { shownTime } from '../../output/show.js'
import type { Session } from '../../session.js'
import { countDead, findLetters, noteOfPart, type Selection } from './select.js'

export async function showDead(session: Session, selection: Selection): Promise<void> {
  const { screen, options } = session
  await session.withQueue(async (queue) => {
    const dead = await countDead(queue, selection)
    const { letters, isPart } = await findLetters(queue.deadLetters(selection.topic, selection.group), selection, dead)
    const [letter] = letters
    if (letter === undefined) {
      if (isPart) noteOfPart(session)
      throw new CommandFailure(exitCode.notFound, 'There is no such dead letter')
    }
    if (options.json) await screen.json(deadLetterJson(letter))
    else await screen.line(described(letter, screen.bold))
  })
}

function described({ entryId, message, data, tombstone, failure }: DeadLetter, bold: (text: string) => string): string {
  const { error } = failure
  const code = error.code === undefined ? '' : ` (${error.code})`
  const fields: readonly (readonly [string, string])[] = [
    ['entry', entryId],
    ['id', message.id],
    ['key', message.key ?? ''],
    ['type', message.type],
    ['source', message.source],
    ['published', message.time],
    ['reason', failure.reason],
    ['error', `${error.name}${code}: ${error.message}`],
    ['attempts', String(failure.attempts)],
    ['first failed', shownTime(failure.firstFailedAt)],
    ['last failed', shownTime(failure.failedAt)],
    ...Object.entries(message.headers).map(([name, value]) => [`header ${name}`, value] as const),
    ...Object.entries(message.extensions).map(([name, value]) => [name, value] as const),
  ]
  const shown = fields
    .filter(([, value]) => value !== '')
    .map(([name, value]) => [safeText(name), safeText(value)] as const)
  const width = Math.max(...shown.map(([name]) => name.length))
  const lines = shown.map(([name, value]) => `${bold(name.padEnd(width))}  ${value}`)
  const stack = error.stack === undefined ? [] : ['', bold('stack'), safeLines(error.stack)]
  return [...lines, '', bold('data'), tombstone ? '(tombstone)' : wholeData(data, message.body), ...stack].join('\n')
}

function wholeData(data: unknown, body: Uint8Array): string {
  if (data === undefined || data instanceof Uint8Array) return `base64: ${Buffer.from(body).toString('base64')}`
  if (typeof data === 'string') return safeLines(data)
  return safeLines(JSON.stringify(data, undefined, 2) ?? safeJson(data))
}
