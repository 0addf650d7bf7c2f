import { randomUUID } from 'node:crypto'
import { createQueue, type Queue, type QueueOptions } from '@mq/core'
import { type PostgresOptions, postgres } from '@mq/postgres'
import { onTestFinished } from 'vitest'

export interface OpenOptions {
  readonly postgres?: PostgresOptions
  readonly queue?: QueueOptions
}

/** Opens a queue with short times, and disconnects it when the test ends. */
export async function open(url: string, options: OpenOptions = {}): Promise<Queue> {
  const adapter = postgres({ url, visibilityMs: 1_500, pollMs: 100, ...options.postgres })
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const queue = createQueue(adapter, { group: 'g', retry: { jitter: 'none', delayMs: 50 }, log, ...options.queue })
  await queue.connect()
  onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
  return queue
}

/** A topic that no other test uses. */
export const newTopic = (): string => `t-${randomUUID()}`

/** A schema that no other test uses. */
export const newSchema = (): string => `s_${randomUUID().replaceAll('-', '_').slice(0, 30)}`

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
