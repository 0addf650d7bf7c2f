import { encodeData } from '../codec.js'
import { MqError } from '../errors.js'
import { requireName } from '../names.js'
import type { PublishOptions } from '../publish-options.js'
import type { Queue } from '../queue.js'
import { validate } from '../schema.js'
import { requireTask, type Task } from '../task.js'
import type { TaskStore } from '../task-store.js'
import { headersOf } from './copies.js'
import { type Replica, startReplica } from './replica.js'
import { type ScheduleRule, type Timing, timingOf } from './rule.js'
import { tickId } from './tick-message.js'

/** A schedule that this process takes part in. */
export interface ScheduleInfo {
  readonly name: string
  readonly rule: ScheduleRule
  /** The name of the task. */
  readonly task: string
  /** The tick that comes next; undefined when there is none any more. */
  readonly next: Date | undefined
  /** The latest tick that ran since this process takes part, in any replica. */
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
  readonly store: TaskStore | undefined
  readonly enqueue: (task: Task, input: unknown, options: PublishOptions) => Promise<unknown>
}

/** Room for `schedule.` before it and for the time behind it. */
const maxScheduleNameLength = 90

/** The schedules of one scheduler. */
export function createSchedules({ queue, store, enqueue }: SchedulesOptions) {
  const schedules = new Map<string, Schedule>()

  return {
    /**
     * Checks everything and notes the schedule. Returns what starts it.
     * Throws `MQ_DUPLICATE_TASK`, `MQ_NOT_SUPPORTED`, and for what cannot be used as `timingOf`, `requireTask` and `enqueue` do.
     */
    async add(name: string, rule: ScheduleRule, task: Task, input: unknown): Promise<() => Promise<Replica>> {
      requireScheduleName(name)
      const timing = timingOf(rule, queue.clock.now())
      requireTask(task)
      requireOwner(queue, store)
      encodeData(input)
      if (task.input !== undefined) await validate(task.input, input, `'task.${task.name}'`)
      if (schedules.has(name)) throw new MqError('MQ_DUPLICATE_TASK', `A schedule named '${name}' is there already`)
      const schedule: Schedule = { name, rule: Object.freeze({ ...rule }), timing, task, input, replica: undefined }
      schedules.set(name, schedule)
      return async () => {
        const run = (time: number) => enqueue(task, input, { id: tickId(name, time), headers: headersOf(name, time) })
        schedule.replica = await startReplica({ name, timing, queue, enqueue: run })
        return schedule.replica
      }
    },
    /** False where there is no such schedule. */
    async remove(name: string): Promise<boolean> {
      const schedule = schedules.get(name)
      schedules.delete(name)
      await schedule?.replica?.stop()
      return schedule !== undefined
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

const dateOf = (time: number | undefined): Date | undefined => (time === undefined ? undefined : new Date(time))

function requireScheduleName(name: unknown): void {
  const { length } = requireName(name, 'name of the schedule')
  if (length <= maxScheduleNameLength) return
  const limit = `${maxScheduleNameLength} are allowed, so that its topic fits`
  throw new MqError('MQ_INVALID_NAME', `The name of the schedule has ${length} characters; ${limit}`)
}

/** Of several replicas one has to be the one that acts; else only a store tells what another has done. */
function requireOwner({ type, capabilities }: Queue, store: TaskStore | undefined): void {
  if (capabilities.orderedKeys || store !== undefined) return
  const why = `${type} gives a key no owner among several consumers (capabilities.orderedKeys)`
  throw new MqError(
    'MQ_NOT_SUPPORTED',
    `${why}; a schedule needs a store there, as in createScheduler(queue, { store })`,
  )
}
