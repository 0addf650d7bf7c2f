import { randomUUID } from 'node:crypto'
import { createQueue, type Queue, type QueueOptions } from '@mq/core'
import { type RedisOptions, redis } from '@mq/redis'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'

export interface OpenOptions {
  readonly redis?: RedisOptions
  readonly queue?: QueueOptions
}

/** Opens a queue with short times, and disconnects it when the test ends. */
export async function open(url: string | undefined, options: OpenOptions = {}): Promise<Queue> {
  const adapter = redis({ ...(url !== undefined && { url }), visibilityMs: 1_500, ...options.redis })
  const queue = createQueue(adapter, { group: 'g', retry: { jitter: 'none', delayMs: 50 }, ...options.queue })
  await queue.connect()
  onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
  return queue
}

/** A topic that no other test uses. */
export const newTopic = (): string => `t-${randomUUID()}`

/** Connects a plain client, to inspect the server and to do harm. */
export async function client(url: string, options: { readonly ca?: string | undefined } = {}): Promise<Redis> {
  const made = new Redis(url, { lazyConnect: true, ...(options.ca !== undefined && { tls: { ca: options.ca } }) })
  made.on('error', () => {})
  await made.connect()
  onTestFinished(() => made.disconnect())
  return made
}

/** A promise that is settled from outside. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

export const fail = (): never => {
  throw new Error('broken')
}
