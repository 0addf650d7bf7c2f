import { isMqError, MqError } from '../../contract/errors.js'
import { describeError } from '../../contract/failure.js'
import type { FailedMessage, HandlerContext } from '../../contract/handler.js'
import { final } from '../../contract/interruptions.js'
import { withFields } from '../../contract/log.js'
import type { Message } from '../../contract/message.js'
import type { Queue } from '../../contract/queue.js'
import type { Emitter } from '../../queue/emitter.js'
import type { Control } from '../control.js'
import { derivedId } from '../derived-id.js'
import { taskCompleted, taskFailed } from '../events.js'
import { encodeFinished, type FinishedTask } from '../finished-task.js'
import { createProgress, type Progress, type ProgressStep } from '../progress.js'
import { type Records, storeRequired } from '../records.js'
import type { Task, TaskContext } from '../task.js'
import type { SchedulerEvents } from '../task-scheduler.js'
import { type Ask, askOf } from '../wire.js'
import type { ReplySender } from './reply-sender.js'
import type { StartLimit } from './start-limit.js'
import { createTaskRun, type TaskRun } from './task-run.js'

export interface WorkerParts {
  readonly queue: Queue
  readonly emitter: Emitter<SchedulerEvents>
  readonly records: Records | undefined
  readonly replies: ReplySender
  readonly control: Control
}

/** A run that failed is mostly tried again elsewhere, and what is kept of it here of no use any more. */
const maxLastSteps = 1_000

interface Job {
  readonly message: Message
  readonly context: HandlerContext
  readonly ask: Ask
  readonly run: TaskRun
  readonly progress: Progress
}

/** What a worker of one task does with a message, and with one that will not be tried again. */
export function createWorker(task: Task, limit: StartLimit | undefined, parts: WorkerParts) {
  const { queue, emitter, records, replies, control } = parts
  const { clock } = queue
  /** Of runs that failed, by the id of their task: the last step is told with the failure, if no other run follows. */
  const lastSteps = new Map<string, ProgressStep>()

  async function handle(message: Message, context: HandlerContext): Promise<void> {
    const { id, attempt } = message
    const ask = askOf(message.extensions)
    const { replyTo } = ask
    const run = createTaskRun({ signal: () => context.signal, timeoutMs: task.timeoutMs, clock })
    const send = replyTo === undefined ? undefined : (step: ProgressStep) => replies.progress(replyTo, id, step)
    const progress = createProgress({ attempt, clock, send })
    // Before the store is asked: whoever cancels writes there first, so one of the two always hears of the other.
    const remove = control.add(id, run)
    try {
      lastSteps.delete(id)
      await handleJob({ message, context, ask, run, progress })
    } catch (error) {
      keepLast(id, await progress.end())
      throw error
    } finally {
      remove()
      run.end()
      await progress.end()
    }
  }

  function keepLast(id: string, step: ProgressStep | undefined): void {
    if (step === undefined) return
    lastSteps.set(id, step)
    const [oldest] = lastSteps.keys()
    if (oldest !== undefined && lastSteps.size > maxLastSteps) lastSteps.delete(oldest)
  }

  async function handleJob(job: Job): Promise<void> {
    const { message, ask, run } = job
    const before = await outcomeBefore(job)
    if (before?.status === 'cancelled') return cancelled(job)
    if (ask.once !== undefined && (await isRepetition(job, before))) return
    try {
      requireInTime(ask)
      if (limit !== undefined) {
        await limit.turn(run.signal)
        requireInTime(ask)
      }
      const outcome = await execute(job)
      await completed(job, outcome)
    } catch (error) {
      if (run.isCancelled) return cancelled(job)
      emitter.emit('failed', { task: task.name, id: message.id, attempt: message.attempt, error })
      throw error
    }
  }

  /** A store that cannot be asked stops only a task that may not run twice: for all others it would be a second broker to lose. */
  async function outcomeBefore({ message, ask, context }: Job): Promise<FinishedTask | undefined> {
    if (records === undefined) {
      if (ask.once !== undefined) throw storeRequired(`A worker of '${task.name}', enqueued with an idempotencyKey,`)
      return undefined
    }
    try {
      return await records.finishedTaskOf(message.id)
    } catch (error) {
      if (ask.once !== undefined) throw error
      context.log.warn('The store does not say whether the task was cancelled; it runs', { error })
      return undefined
    }
  }

  async function isRepetition({ message, ask }: Job, before: FinishedTask | undefined): Promise<boolean> {
    const { once, replyTo } = ask
    if (once === undefined || records === undefined) return false
    if (before?.status !== 'completed') return !(await records.isFirstCopy(message.id, once))
    if (replyTo !== undefined) await replies.outcome(replyTo, before, undefined)
    return true
  }

  function requireInTime({ deadline }: Ask): void {
    if (deadline === undefined || clock.now() <= deadline) return
    const text = `The task had not begun by its deadline, ${new Date(deadline).toISOString()}`
    throw final(new MqError('MQ_TASK_EXPIRED', text))
  }

  async function execute({ message, context, ask, run, progress }: Job): Promise<FinishedTask> {
    const { id, attempt, time, headers } = message
    const taskContext: TaskContext = {
      id,
      task: task.name,
      attempt,
      time,
      headers,
      get signal() {
        return run.signal
      },
      queue,
      log: withFields(context.log, { task: task.name }),
      progress: (fraction, note) => progress.report(fraction, note),
    }
    const result = await run.within(() => task.execute(message.data, taskContext))
    const outcome: FinishedTask = { status: 'completed', id, task: task.name, result }
    await unchanging(async () => {
      if (ask.replyTo !== undefined) replies.requireSendable(outcome)
      if (!task.events?.includes('completed')) return
      await queue.publish(taskCompleted, { id, task: task.name, attempt, result }, { id: derivedId(id, 'completed') })
    })
    return outcome
  }

  async function completed({ message, ask, progress }: Job, outcome: FinishedTask): Promise<void> {
    const { id, attempt } = message
    const counts = (await records?.end(keepable(outcome), ask.once?.ttlMs)) ?? outcome
    if (ask.replyTo !== undefined) await replies.outcome(ask.replyTo, counts, progress.close())
    if (outcome.status !== 'completed') return
    emitter.emit('completed', { task: task.name, id, attempt, result: outcome.result })
  }

  async function cancelled({ message, ask, progress }: Job): Promise<void> {
    const { id, attempt } = message
    const outcome: FinishedTask = { status: 'cancelled', id }
    await records?.end(outcome)
    if (ask.replyTo !== undefined) await replies.outcome(ask.replyTo, outcome, progress.close())
    emitter.emit('cancelled', { task: task.name, id, attempt })
  }

  /** After the last attempt, or for a message that could not be made an attempt of. */
  async function lastFailure(failed: FailedMessage, context: HandlerContext): Promise<void> {
    const { id, failure, headers } = failed
    const ask = askOf(failed.extensions)
    const error = { ...failure.error, attempts: failure.attempts }
    const outcome: FinishedTask = { status: 'failed', id, task: task.name, error }
    const counts = (await records?.end(outcome, ask.once?.ttlMs)) ?? outcome
    const last = lastSteps.get(id)
    lastSteps.delete(id)
    if (ask.replyTo !== undefined) await replies.outcome(ask.replyTo, counts, last)
    if (task.events?.includes('failed')) {
      const event = { id, task: task.name, error }
      await queue
        .publish(taskFailed, event, { id: derivedId(id, 'failed') })
        .catch((reason) => context.log.error('task.failed could not be published', { error: reason }))
    }
    await task.onLastFailure?.({ id, task: task.name, input: failed.data, headers, failure }, context)
  }

  return { handle, lastFailure }
}

/** What cannot be sent now cannot be sent later: no further attempt is made. */
async function unchanging(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (isMqError(error, 'MQ_NOT_SERIALIZABLE') || isMqError(error, 'MQ_MESSAGE_TOO_LARGE')) throw final(error)
    throw error
  }
}

/** Nobody waits for the result, so the task has not failed; but whoever asks the store is told why there is none. */
function keepable(outcome: FinishedTask): FinishedTask {
  try {
    encodeFinished(outcome)
    return outcome
  } catch (error) {
    const task = 'task' in outcome ? outcome.task : ''
    return { status: 'failed', id: outcome.id, task, error: { ...describeError(error), attempts: 0 } }
  }
}
