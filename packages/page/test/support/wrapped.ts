import type { Queue } from '@mq/core'

/** Returns the queue with other members in place of its own. */
export const wrapped = (queue: Queue, members: Partial<Queue>): Queue =>
  new Proxy(queue, {
    get: (target, name) => {
      if (name in members) return members[name as keyof Queue]
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
