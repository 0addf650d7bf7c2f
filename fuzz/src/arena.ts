import { randomUUID } from 'node:crypto'

export interface ArenaOptions {
  /** The attacked group asks for order by key. */
  readonly ordered: boolean
  readonly concurrency: number
  /** A scheduler with a task and a schedule stands in the arena, too. */
  readonly tasks: boolean
}

/** Where a round is fought: a group that is attacked, one that is not, and what a scheduler has. */
export interface Arena extends ArenaOptions {
  readonly topic: string
  readonly innocent: string
  readonly group: string
  readonly task: string
  readonly schedule: string
}

export const defaultArena: ArenaOptions = { ordered: false, concurrency: 8, tasks: false }

export function newArena(options: ArenaOptions): Arena {
  const name = randomUUID().slice(0, 8)
  return {
    ...options,
    topic: `attacked.${name}`,
    innocent: `innocent.${name}`,
    group: 'fuzz',
    task: `probe-${name}`,
    schedule: `clock-${name}`,
  }
}

/** What a scheduler reads, beside the topics of the arena. */
export const taskTopics = {
  task: ({ task }: Arena): string => `task.${task}`,
  schedule: ({ schedule }: Arena): string => `schedule.${schedule}`,
  control: (): string => 'task-control',
  replies: (): string => 'task-replies',
} as const

export type TaskTopic = keyof typeof taskTopics
