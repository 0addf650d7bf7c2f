import type { ScheduleInfo, TaskScheduler } from '@mq/core'
import { replicasGroup, scheduleOfTopic, scheduleTopic } from '@mq/core/adapter'
import type { GroupState, Groups } from './groups.js'
import { eachOf, type Problem } from './reads.js'

const maxSchedules = 200

/** A schedule as this process or the broker knows it. */
export interface ScheduleState {
  readonly name: string
  /** Its rule and its next tick, if this process takes part in it. */
  readonly info: ScheduleInfo | undefined
  /** The group of its replicas, if the broker lists it. */
  readonly group: GroupState | undefined
}

export interface Schedules {
  readonly schedules: readonly ScheduleState[]
  readonly problem: Problem | undefined
  readonly isWhole: boolean
}

/** Reads the schedules of this process, and those that the broker has a topic of. */
export async function readSchedules(groups: Groups, scheduler: TaskScheduler | undefined): Promise<Schedules> {
  const own = new Map((scheduler?.schedules() ?? []).map((info) => [info.name, info]))
  const { value, problem } = await groups.topics()
  const stored = (value?.names ?? []).flatMap((topic) => scheduleOfTopic(topic) ?? [])
  const names = [...new Set([...own.keys(), ...stored])].sort()
  const schedules = await eachOf(names.slice(0, maxSchedules), 8, async (name) => ({
    name,
    info: own.get(name),
    group: stored.includes(name) ? await groups.find(scheduleTopic(name), replicasGroup) : undefined,
  }))
  return { schedules, problem, isWhole: names.length <= maxSchedules && value?.isWhole !== false }
}
