import type { Arena } from '../../arena.js'

/** The keys of a group as the README of @mq/redis lists them. */
export function keysOf({ topic, group }: Pick<Arena, 'topic' | 'group'>) {
  const base = `mq:{${topic}}`
  const own = `${base}:group:${group}`
  return {
    stream: `${base}:stream`,
    delayed: `${base}:delayed`,
    delayedData: `${base}:delayed:data`,
    seq: `${base}:seq`,
    ids: `${base}:ids`,
    idsOld: `${base}:ids:old`,
    groups: `${base}:groups`,
    listeners: `${base}:listeners`,
    deleted: `${base}:deleted`,
    retry: `${own}:retry`,
    due: `${own}:due`,
    dueData: `${own}:due:data`,
    dead: `${own}:dead`,
    lanes: `${own}:lanes`,
    waiting: `${own}:waiting`,
    open: `${own}:open`,
  }
}

export type KeyName = keyof ReturnType<typeof keysOf>
