import { MqError } from '../../contract/errors.js'
import { requireName } from '../../contract/names.js'
import type { Queue } from '../../contract/queue.js'
import { validate } from '../../contract/schema.js'
import { encodeData } from '../../wire/codec.js'
import { requireReadable } from '../../wire/readable.js'
import type { Records } from '../records.js'
import type { Registrations } from '../registrations.js'
import { storeRequired } from '../require-store.js'
import { requireTask, type Task } from '../task.js'
import type { EnqueueOptions } from '../task-options.js'
import { taskTopic } from '../wire.js'
import { type Replica, startReplica } from './replica.js'
import { type ScheduleRule, type Timing, timingOf } from './rule.js'
import { tickId } from './tick-message.js'

/** A schedule that this process takes part in. */
export interface ScheduleInfo {
  readonly name: string
  readonly rule: ScheduleRule
  /** The name of the task. */
  readonly task: string
  /** The next tick. Undefined if there is none. */
  readonly next: Date | undefined
  /** The latest tick that ran in any replica since this process takes part. */
  readonly last: Date | undefined
}

interface Schedule {
  readonly name: string
  readonly rule: ScheduleRule
  readonly timing: Timing
  readonly task: Task
  readonly input: unknown
  replica: Replica | undefined
}

export interface SchedulesOptions {
  readonly queue: Queue
  readonly records: Records | undefined
  readonly enqueue: (task: Task, input: unknown, options: EnqueueOptions) => Promise<unknown>
  readonly registrations: Registrations
}

/** It leaves room for `schedule.` before the name and for the time after it. */
const maxScheduleNameLength = 90
/** How long the store remembers a tick: longer than its task waits for a worker in a week of trouble. */
const rememberMs = 14 * 24 * 60 * 60 * 1000

/** Creates the schedules of one scheduler. */
export function createSchedules({ queue, records, enqueue, registrations }: SchedulesOptions) {
  const schedules = new Map<string, Schedule>()
  const hasStore = records !== undefined

  function enqueueTick({ name, task, input }: Schedule, time: number): Promise<unknown> {
    const id = tickId(name, time)
    const headers = { schedule: name, 'schedule-tick': new Date(time).toISOString() }
    const once = hasStore ? { idempotencyKey: id, idempotencyTtlMs: rememberMs } : {}
    return enqueue(task, input, { id, headers, ...once })
  }

  return {
    /** Rejects as `TaskScheduler.schedule` says. */
    async add(given: Pick<Schedule, 'name' | 'rule' | 'task' | 'input'>): Promise<void> {
      const { name, task, input } = given
      requireScheduleName(name)
      const timing = timingOf(given.rule, queue.clock.now())
      requireTask(task)
      requireOwner(queue, hasStore)
      const encoded = encodeData(input)
      if (task.input !== undefined) {
        await validate(task.input, input, `'${taskTopic(task.name)}'`)
        await requireReadable(task.input, encoded, taskTopic(task.name))
      }
      const schedule: Schedule = { ...given, rule: Object.freeze({ ...given.rule }), timing, replica: undefined }
      const start = async (): Promise<Replica> => {
        const run = (time: number) => enqueueTick(schedule, time)
        const isEnqueued = records && ((time: number) => records.isHeld(task.name, tickId(name, time)))
        schedule.replica = await startReplica({ name, timing, queue, enqueue: run, isEnqueued })
        return schedule.replica
      }
      const adding = registrations.add(keyOf(name), { what: `A schedule named '${name}'`, start })
      // `adding` rejects for a name that is taken, whose schedule must stay.
      if (!schedules.has(name)) schedules.set(name, schedule)
      await adding.catch((error) => {
        if (schedules.get(name) === schedule) schedules.delete(name)
        throw error
      })
    },
    remove(name: string): Promise<boolean> {
      schedules.delete(name)
      return registrations.remove(keyOf(name))
    },
    list: (): readonly ScheduleInfo[] =>
      [...schedules.values()].map(({ name, rule, timing, task, replica }) => ({
        name,
        rule,
        task: task.name,
        next: dateOf(replica === undefined ? timing.next(queue.clock.now()) : replica.next),
        last: dateOf(replica?.last),
      })),
  }
}

const keyOf = (name: string): string => `schedule ${name}`
const dateOf = (time: number | undefined): Date | undefined => (time === undefined ? undefined : new Date(time))

function requireScheduleName(name: unknown): void {
  const { length } = requireName(name, 'name of the schedule')
  if (length <= maxScheduleNameLength) return
  const limit = `${maxScheduleNameLength} are allowed, so that its topic fits`
  throw new MqError('MQ_INVALID_NAME', `The name of the schedule has ${length} characters; ${limit}`)
}

/** Requires a way for replicas to agree on the one that acts: an owner of the key at the broker, or a store. */
function requireOwner({ type, capabilities }: Queue, hasStore: boolean): void {
  if (capabilities.orderedKeys || hasStore) return
  throw storeRequired(`A schedule on ${type}, which gives a key no owner (capabilities.orderedKeys),`)
}
