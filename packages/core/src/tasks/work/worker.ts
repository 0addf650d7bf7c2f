import { RunContext } from '../../consume/run.js'
import type { Clock } from '../../contract/clock.js'
import { MqError } from '../../contract/errors.js'
import { describeWithStack } from '../../contract/failure.js'
import type { FailedMessage, HandlerContext } from '../../contract/handler.js'
import { withFields } from '../../contract/log.js'
import type { Message } from '../../contract/message.js'
import type { Queue } from '../../contract/queue.js'
import { unrecoverable } from '../../contract/retry-errors.js'
import type { Emitter } from '../../queue/emitter.js'
import type { Control } from '../control.js'
import { derivedId } from '../derived-id.js'
import { taskCompleted, taskFailed } from '../events.js'
import type { FinishedTask } from '../finished-task.js'
import { createProgress, type Progress, type ProgressStep, type SendStep } from '../progress.js'
import type { ProgressWriter } from '../progress-records.js'
import type { Records } from '../records.js'
import { storeRequired } from '../require-store.js'
import type { Task, TaskContext } from '../task.js'
import type { SchedulerEvents } from '../task-scheduler.js'
import { type Ask, askOf } from '../wire.js'
import { createLastSteps } from './last-steps.js'
import type { ReplySender } from './reply-sender.js'
import type { StartLimit } from './start-limit.js'
import { failForGoodIfUnserializable, storableFinished } from './storable.js'
import { createTaskRun, type TaskRun } from './task-run.js'

export interface WorkerParts {
  readonly queue: Queue
  readonly emitter: Emitter<SchedulerEvents>
  readonly records: Records | undefined
  readonly replies: ReplySender
  readonly control: Control
}

interface Job {
  readonly message: Message
  readonly context: HandlerContext
  readonly ask: Ask
  readonly run: TaskRun
  readonly progress: Progress
  /** Keeps the progress where every process can read it. Undefined without a store. */
  readonly stored: ProgressWriter | undefined
}

/** Creates the handler of a task's messages, and the hook for those that will not be tried again. */
export function createWorker(task: Task, limit: StartLimit | undefined, parts: WorkerParts) {
  const { queue, emitter, records, replies, control } = parts
  const { clock } = queue
  const lastSteps = createLastSteps()

  async function handle(message: Message, context: HandlerContext): Promise<void> {
    const { id, attempt } = message
    const ask = askOf(message.extensions)
    const { replyTo } = ask
    const run = createTaskRun({
      signal: () => context.signal,
      timeoutMs: task.timeoutMs,
      clock: RunContext.clockOf(context, clock),
    })
    const stored = records?.progress.writer({ id, attempt, begunAt: clock.now() })
    const sends: SendStep[] = stored === undefined ? [] : [stored.step]
    if (replyTo !== undefined) sends.push((step: ProgressStep) => replies.progress(replyTo, id, step))
    const progress = createProgress({ attempt, clock, sends })
    // Added before the store is read. `cancel` writes to the store first, so either the store or `control` reports it.
    const remove = control.add(id, run)
    try {
      lastSteps.take(id)
      await handleJob({ message, context, ask, run, progress, stored })
    } catch (error) {
      lastSteps.set(id, await progress.end())
      throw error
    } finally {
      remove()
      run.end()
      await progress.end()
    }
  }

  async function handleJob(job: Job): Promise<void> {
    const { message, ask, run } = job
    const before = await finishedBefore(job)
    if (before?.status === 'cancelled') return cancelled(job)
    if (ask.once !== undefined && (await isRepetition(job, before))) return
    try {
      requireInTime(ask, clock)
      if (limit !== undefined) {
        await limit.turn(run.signal)
        requireInTime(ask, clock)
      }
      await completed(job, await execute(job))
    } catch (error) {
      if (run.isCancelled) return cancelled(job)
      emitter.emit('failed', { task: task.name, id: message.id, attempt: message.attempt, error })
      throw error
    }
  }

  /**
   * Resolves to how the task has ended before this run. If the store is down, only a task with an idempotency key fails: for all others
   * the store must not become a second point of failure.
   */
  async function finishedBefore({ message, ask, context }: Job): Promise<FinishedTask | undefined> {
    if (records === undefined) {
      if (ask.once !== undefined) throw storeRequired(`A worker of '${task.name}', enqueued with an idempotencyKey,`)
      return undefined
    }
    try {
      return await records.beforeRun(message.id)
    } catch (error) {
      if (ask.once !== undefined) throw error
      context.log.warn('The store does not say whether the task was cancelled; it runs', {
        error: describeWithStack(error),
      })
      return undefined
    }
  }

  async function isRepetition({ message, ask }: Job, before: FinishedTask | undefined): Promise<boolean> {
    const { once, replyTo } = ask
    if (once === undefined || records === undefined) return false
    if (before?.status !== 'completed') return !(await records.isFirstCopy(message.id, once))
    if (replyTo !== undefined) await replies.finished(replyTo, before, undefined)
    return true
  }

  async function execute(job: Job): Promise<FinishedTask> {
    const { message, ask, run } = job
    const { id, attempt } = message
    const taskContext = contextOf(job, { task, queue })
    const result = await run.within(() => task.execute(message.data, taskContext))
    const finished: FinishedTask = { status: 'completed', id, task: task.name, result }
    await failForGoodIfUnserializable(async () => {
      if (ask.replyTo !== undefined) replies.requireSendable(finished)
      if (!task.events?.includes('completed')) return
      await queue.publish(taskCompleted, { id, task: task.name, attempt, result }, { id: derivedId(id, 'completed') })
    })
    return finished
  }

  async function completed(job: Job, finished: FinishedTask): Promise<void> {
    const { message, context, ask } = job
    const { id, attempt } = message
    const step = await lastStep(job)
    const counting = (await records?.end(storableFinished(finished), ask.once?.ttlMs)) ?? finished
    if (ask.replyTo !== undefined) await replies.finished(ask.replyTo, counting, step)
    if (finished.status !== 'completed') return
    if (ask.once === undefined && RunContext.isVoid(context)) {
      // The message is no longer ours: the task runs again, unless its key has made this run the one that counts.
      emitter.emit('failed', { task: task.name, id, attempt, error: context.signal.reason })
      return
    }
    emitter.emit('completed', { task: task.name, id, attempt, result: finished.result })
  }

  async function cancelled(job: Job): Promise<void> {
    const { message, ask } = job
    const { id, attempt } = message
    const step = await lastStep(job)
    const finished: FinishedTask = { status: 'cancelled', id }
    await records?.end(finished)
    if (ask.replyTo !== undefined) await replies.finished(ask.replyTo, finished, step)
    emitter.emit('cancelled', { task: task.name, id, attempt })
  }

  /** Handles the end of a task after its last attempt, or of a message that never became an attempt. */
  async function lastFailure(failed: FailedMessage, context: HandlerContext): Promise<void> {
    const { id, failure, headers } = failed
    const ask = askOf(failed.extensions)
    const { stack: _, ...described } = failure.error
    const taskFailure = { ...described, attempts: failure.attempts }
    const finished: FinishedTask = { status: 'failed', id, task: task.name, failure: taskFailure }
    await records?.progress.settle(id)
    const counting = (await records?.end(finished, ask.once?.ttlMs)) ?? finished
    if (ask.once !== undefined && counting.status === 'failed') await records?.freeKey(id)
    const step = lastSteps.take(id)
    if (ask.replyTo !== undefined) await replies.finished(ask.replyTo, counting, step)
    if (task.events?.includes('failed')) {
      const event = { id, task: task.name, failure: taskFailure }
      await queue
        .publish(taskFailed, event, { id: derivedId(id, 'failed') })
        .catch((reason) =>
          context.log.error('task.failed could not be published', { error: describeWithStack(reason) }),
        )
    }
    await task.onLastFailure?.({ id, task: task.name, input: failed.data, headers, failure }, context)
  }

  return { handle, lastFailure }
}

function contextOf(
  { message, context, run, progress }: Job,
  of: { readonly task: Task; readonly queue: Queue },
): TaskContext {
  const { id, attempt, time, headers } = message
  return {
    id,
    task: of.task.name,
    attempt,
    time,
    headers,
    get signal() {
      return run.signal
    },
    queue: of.queue,
    log: withFields(context.log, { task: of.task.name }),
    progress: (fraction, note) => progress.report(fraction, note),
  }
}

function requireInTime({ deadline }: Ask, clock: Pick<Clock, 'now'>): void {
  if (deadline === undefined || clock.now() <= deadline) return
  const text = `The task had not begun by its deadline, ${new Date(deadline).toISOString()}`
  throw unrecoverable(new MqError('MQ_TASK_EXPIRED', text))
}

/** Ends the progress of a task, and stores its last step. A process that reads how the task has ended finds the step stored. */
async function lastStep({ progress, stored }: Job): Promise<ProgressStep | undefined> {
  const step = progress.close()
  await stored?.end(step)
  return step
}
