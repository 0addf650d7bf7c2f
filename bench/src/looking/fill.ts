import type { Queue } from '@mq/core'
import type { Redis } from 'ioredis'

export interface Sizes {
  readonly topics: number
  /** Messages that wait in one topic: ready, and as many again in ten thousands that are delayed or wait for a retry. */
  readonly waiting: number
  readonly dead: number
  readonly running: number
}

const part = 10_000

/** Fills a broker by scripts: to publish a million messages would take longer than everything else. */
export async function fill(at: {
  readonly admin: Redis
  readonly queue: Queue
  readonly topic: string
  readonly sizes: Sizes
}): Promise<void> {
  const { admin, queue, topic, sizes } = at
  const base = `mq:{${topic}}`
  const { topics, waiting, dead, running } = sizes
  await queue.declareGroup(topic, 'g')
  for (let from = 0; from < topics; from += 100) {
    const names = Array.from({ length: Math.min(100, topics - from) }, (_, index) => `topic-${from + index}`)
    await Promise.all(names.map((name) => queue.declareGroup(name, 'g')))
  }
  const body = JSON.stringify({ order: 7, text: 'x'.repeat(150) })
  await added(admin, { key: `${base}:stream`, prefix: 'ready', count: running + waiting, body })
  await added(admin, { key: `${base}:group:g:dead`, prefix: 'dead', count: dead, body })
  await admin.eval(takeSource, 1, `${base}:stream`, running)
  await admin.eval(laterSource, 2, `${base}:delayed`, `${base}:delayed:data`, part, body)
  await admin.eval(laterSource, 2, `${base}:group:g:due`, `${base}:group:g:due:data`, part, body)
}

async function added(
  admin: Redis,
  {
    key,
    prefix,
    count,
    body,
  }: { readonly key: string; readonly prefix: string; readonly count: number; readonly body: string },
): Promise<void> {
  for (let from = 0; from < count; from += part) {
    await admin.eval(addSource, 1, key, prefix, from, Math.min(part, count - from), body)
  }
}

const addSource = `
for i = ARGV[2], ARGV[2] + ARGV[3] - 1 do
  redis.call('XADD', KEYS[1], '*', 'specversion', '1.0', 'id', ARGV[1] .. '-' .. string.format('%d', i), 'data', ARGV[4])
end`

const takeSource = `
for _ = 1, ARGV[1] / 100 do redis.call('XREADGROUP', 'GROUP', 'g', 'other', 'COUNT', 100, 'STREAMS', KEYS[1], '>') end`

const laterSource = `
local t = redis.call('TIME')
for i = 1, ARGV[1] do
  local member = string.format('%016d-%06d', t[1] * 1000000, i)
  redis.call('ZADD', KEYS[1], t[1] * 1000 + 3600000 + i, member)
  redis.call('HSET', KEYS[2], member, cmsgpack.pack('specversion', '1.0', 'id', member, 'data', ARGV[2]))
end`
