import assert from 'node:assert/strict'
import { type FailedTask, RetryLater, taskFailed, Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { rejection } from '../../kit/expect.js'
import { assertFailure, groupOf, onlyNumbers, reply, stageTask } from '../../kit/task-cases.js'
import { attemptsOf } from '../../kit/timing.js'

class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly code: string
  constructor(status: number) {
    super(`The other side answered ${status}`)
    this.code = String(status)
  }
}

/** Tests how a task fails and what its caller learns. */
export const taskAttempts: readonly ConformanceCase[] = [
  {
    id: 'TSK-9',
    title:
      'a task that fails for good gives its caller name, message, code and attempts, and no more, and is a dead letter',
    promises: [6, 17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const execute = (): never => {
        throw new HttpError(503)
      }
      const { asker, queue, task, runs } = await stageTask(kit, { execute })
      const error = await rejection(asker.run(task, 1, reply), 'MQ_TASK_FAILED')
      assert.deepEqual(error.failure, {
        name: 'HttpError',
        message: 'The other side answered 503',
        code: '503',
        attempts: 3,
      })
      assert.ok(
        !(error instanceof HttpError) && error.cause === undefined,
        'the error has the class or the cause that it had at the worker',
      )
      assert.deepEqual(
        runs.map(({ attempt }) => attempt),
        [1, 2, 3],
      )
      await untilDead(kit, queue, { ...groupOf(task), count: 1 })
    },
  },
  {
    id: 'TSK-10',
    title: 'a task that is retried is answered once, with its result, after the attempt that succeeds',
    promises: [5, 17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, task, runs } = await stageTask(kit, {
        execute(_, { attempt }) {
          if (attempt === 1) throw new HttpError(503)
          if (attempt === 2) throw new RetryLater({ afterMs: 100 })
          return `attempt ${attempt}`
        },
      })
      assert.equal(await asker.run(task, 1, reply), 'attempt 3')
      assert.deepEqual(attemptsOf(runs as never), [1, 2, 3])
    },
  },
  {
    id: 'TSK-11',
    title: 'a policy retries by the kind of error, and the hook for the last failure runs once per dead letter',
    promises: [5, 6],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const seen: FailedTask[] = []
      const errors: Readonly<Record<string, Error>> = {
        again: new HttpError(503),
        never: new HttpError(404),
        final: new Unrecoverable('no'),
      }
      const { asker, task, runs } = await stageTask(kit, {
        execute: (input) => {
          throw errors[(input as { kind: string }).kind]
        },
        retry: {
          attempts: 2,
          delayMs: 20,
          jitter: 'none',
          rules: [{ match: (error) => (error as HttpError).code === '404', retry: false }],
        },
        onLastFailure: (failed) => void seen.push(failed),
      })
      for (const kind of Object.keys(errors)) await asker.enqueue(task, { kind }, { id: `${kit.topic()}.${kind}` })
      await kit.until('three last failures', () => seen.length >= 3, { timeoutMs: 20_000 })
      await kit.quiet(() => runs.length + seen.length)
      const reported = seen.map(({ input, failure: { attempts, reason } }) => ({
        ...(input as object),
        attempts,
        reason,
      }))
      assert.deepEqual(
        new Set(reported),
        new Set([
          { kind: 'again', attempts: 2, reason: 'error' },
          { kind: 'final', attempts: 1, reason: 'unrecoverable' },
          { kind: 'never', attempts: 1, reason: 'error' },
        ]),
      )
      assert.equal(reported.length, 3, 'calls of the hook for the last failure')
      assert.equal(runs.length, 4, 'runs')
    },
  },
  {
    id: 'TSK-12',
    title:
      'invalid input is refused at enqueue; a worker with a stricter schema dead-letters it, and the caller gets MQ_TASK_FAILED',
    promises: [6, 17],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const { asker, queue, task, runs } = await stageTask(kit, { input: onlyNumbers })
      await rejection(asker.enqueue(task, 'text'), 'MQ_INVALID_DATA')
      const { input: _, ...newer } = task
      const error = await rejection(asker.run(newer, 'text', reply), 'MQ_TASK_FAILED')
      assertFailure(error, { code: 'MQ_INVALID_DATA', attempts: 0 })
      await untilDead(kit, queue, { ...groupOf(task), count: 1 })
      assert.deepEqual(runs, [])
    },
  },
  {
    id: 'TSK-13',
    title: 'the events of a task report once how it has ended',
    promises: [6],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const execute = (input: unknown, { attempt }: { attempt: number }): unknown => {
        if (input === 'bad' || attempt === 1) throw new HttpError(500)
        return { input }
      }
      const { asker, queue, task } = await stageTask(kit, {
        execute,
        events: ['completed', 'failed'],
        retry: { attempts: 2, delayMs: 20 },
      })
      const eventsOf = async (topic: string) => {
        const collector = await kit.collect(queue, topic, { group: kit.topic() })
        return () =>
          collector.handled
            .map(({ data }) => data as { id: string; task: string })
            .filter((event) => event.task === task.name)
      }
      const [completed, failed] = [await eventsOf('task.completed'), await eventsOf(taskFailed.name)]
      const ids = ['good', 'bad'].map((kind) => `${kit.topic()}.${kind}`)
      await asker.enqueue(task, 'good', { id: ids[0] as string })
      await asker.enqueue(task, 'bad', { id: ids[1] as string })
      await kit.until('both events', () => completed().length > 0 && failed().length > 0, { timeoutMs: 20_000 })
      await kit.quiet(() => completed().length + failed().length)
      assert.deepEqual(completed(), [{ id: ids[0], task: task.name, attempt: 2, result: { input: 'good' } }])
      const failure = { name: 'HttpError', message: 'The other side answered 500', code: '500', attempts: 2 }
      assert.deepEqual(failed(), [{ id: ids[1], task: task.name, failure }])
    },
  },
]
