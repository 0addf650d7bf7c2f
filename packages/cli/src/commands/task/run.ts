import { createScheduler, type EnqueueOptions, isMqError, type Queue, type Task, type TaskHandle } from '@mq/core'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { safeText } from '../../output/escape.js'
import { progress } from '../../output/progress.js'
import type { Session } from '../../session.js'
import { shownResult } from './result.js'

interface TaskToRun {
  readonly task: Task
  readonly input: unknown
  readonly enqueue: EnqueueOptions
  readonly timeoutMs: number
  readonly isWaiting: boolean
}

export async function runTask(session: Session, queue: Queue, given: TaskToRun): Promise<void> {
  const { task, input, enqueue, timeoutMs, isWaiting } = given
  const { screen, options } = session
  const scheduler = createScheduler(queue)
  try {
    const chosen = Object.fromEntries(Object.entries(enqueue).filter(([, value]) => value !== undefined))
    if (!isWaiting) {
      const { id } = await scheduler.enqueue(task, input, chosen)
      await (options.json ? screen.json({ id, task: task.name }) : screen.line(safeText(id)))
      return
    }
    const handle = await scheduler.enqueue(task, input, { ...chosen, reply: true })
    const result = await resultOf(session, handle, timeoutMs)
    if (options.json) await screen.json({ id: handle.id, task: task.name, status: 'completed', result: result ?? null })
    else await screen.line(shownResult(result))
  } finally {
    await scheduler.stop({ timeoutMs: 0 })
  }
}

async function resultOf({ screen, signal }: Session, handle: TaskHandle, timeoutMs: number): Promise<unknown> {
  const line = progress(screen)
  const watching = watch(handle, (text) => line.update(text))
  const aborted = new Promise<never>((_, reject) => {
    const end = (): void => reject(new CommandFailure(exitCode.brokenOff, `The task ${handle.id} goes on`))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
  })
  try {
    return await Promise.race([handle.result({ timeoutMs }), aborted])
  } catch (error) {
    if (!isMqError(error, 'MQ_TIMEOUT')) throw error
    throw new CommandFailure(exitCode.failed, `${error.code}: no result in time; the task ${handle.id} goes on`)
  } finally {
    handle.forget()
    await watching
    line.end()
  }
}

async function watch(handle: TaskHandle, show: (text: string) => void): Promise<void> {
  for await (const { fraction, note } of handle.progress()) {
    show(`${Math.round(fraction * 100)} %${note === undefined ? '' : ` ${safeText(note)}`}`)
  }
}
