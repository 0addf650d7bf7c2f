import type { FinishedTask, TaskScheduler } from '@mq/core'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { safeLines, safeText } from '../../output/escape.js'
import type { Session } from '../../session.js'

/** Shows a result: a text as it is, and everything else as JSON on several lines. */
export const shownResult = (result: unknown): string =>
  safeLines(typeof result === 'string' ? result : (JSON.stringify(result ?? null, undefined, 2) ?? 'null'))

export async function showResult({ screen, options }: Session, scheduler: TaskScheduler, id: string): Promise<void> {
  const finished = await scheduler.result(id)
  if (finished !== undefined) {
    await (options.json ? screen.json(finished) : screen.line(described(finished)))
    return
  }
  const progress = await scheduler.progress(id)
  if (progress === undefined) {
    throw new CommandFailure(
      exitCode.notFound,
      'The store knows no end of this task: it waits, runs, or ended long ago',
    )
  }
  const { fraction, note, attempt } = progress
  if (options.json) await screen.json({ status: 'running', id, ...progress })
  else {
    const text = note === undefined ? '' : `: ${safeText(note)}`
    await screen.line(`running, ${Math.round(fraction * 100)} % in attempt ${attempt}${text}`)
  }
}

function described(finished: FinishedTask): string {
  if (finished.status === 'cancelled') return 'cancelled'
  const task = safeText(finished.task)
  if (finished.status === 'completed') return `${task} completed\n${shownResult(finished.result)}`
  const { name, message, attempts } = finished.failure
  return `${task} failed after ${attempts} attempts\n${safeText(`${name}: ${message}`)}`
}
