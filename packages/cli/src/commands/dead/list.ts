import type { DeadLetter } from '@mq/core'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { safeText, shortened } from '../../output/escape.js'
import { deadLetterJson, shownData } from '../../output/message.js'
import { plural, shownDuration } from '../../output/show.js'
import type { Session } from '../../session.js'
import { countDead, findLetters, isNarrowed, noteOfPart, type Selection } from './select.js'

const head = ['entry', 'id', 'reason', 'error', 'attempts', 'age', 'data']

export async function listDead(session: Session, selection: Selection): Promise<void> {
  const { screen, options } = session
  await session.withQueue(async (queue) => {
    const dead = await countDead(queue, selection)
    const { letters, isPart } = await findLetters(queue.deadLetters(selection.topic, selection.group), selection, dead)
    if (options.json) await screen.json(letters.map(deadLetterJson))
    else if (letters.length > 0) await screen.table({ head, numbers: ['attempts', 'age'], rows: letters.map(row) })
    if (isPart) noteOfPart(session)
    if (letters.length === 0 && isNarrowed(selection))
      throw new CommandFailure(exitCode.notFound, 'No dead letter matches')
    if (letters.length === 0) screen.note('mq: there are no dead letters')
    else if (dead !== undefined && !isNarrowed(selection) && dead > letters.length) {
      screen.note(
        `mq: the oldest ${letters.length.toLocaleString('en-US')} of ${plural(dead, 'dead letter')}; --limit shows more`,
      )
    }
  })
}

const row = ({ entryId, message, data, tombstone, failure }: DeadLetter): readonly string[] => [
  safeText(entryId),
  shortened(message.id, 40),
  failure.reason,
  shortened(failure.error.message, 50),
  String(failure.attempts),
  shownDuration(Date.now() - failure.failedAt),
  tombstone ? '(tombstone)' : shownData(data, 60, message.body),
]
