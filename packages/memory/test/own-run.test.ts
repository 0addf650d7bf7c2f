import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createScheduler, defineTask, type SettledEvent, type SubscribeOptions, type Subscription } from '@mq/core'
import { describe, expect, it } from 'vitest'
import { gate, open } from './support/open.js'

/** Longer than any test may take: whoever waits for it fails. */
const stopTimeoutMs = 60_000

type End = () => Promise<void>

interface Running {
  readonly end: End
  readonly signal: AbortSignal
}

const immediate = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Ways in which a handler may come to await the end of its own subscription. */
const ways: readonly [title: string, handler: (running: Running) => unknown][] = [
  ['at once', ({ end }) => end()],
  [
    'after it has waited for something else',
    async ({ end }) => {
      await sleep(1)
      await end()
    },
  ],
  [
    'in a function that it awaits',
    async ({ end }) => {
      const inner = async (): Promise<void> => {
        await immediate()
        await end()
      }
      await (async () => {
        await sleep(1)
        await inner()
      })()
    },
  ],
  ['in a chain of promises', ({ end }) => sleep(1).then(end).then(immediate)],
  ['beside other promises', ({ end }) => Promise.all([sleep(1), immediate().then(end), sleep(2)])],
  ['in a race', ({ end }) => Promise.race([immediate().then(end), sleep(stopTimeoutMs, undefined, { ref: false })])],
  [
    'in a finally block',
    async ({ end }) => {
      try {
        await immediate()
      } finally {
        await end()
      }
    },
  ],
  [
    'in an async generator',
    async ({ end }) => {
      async function* steps(): AsyncGenerator<void> {
        await immediate()
        yield await end()
      }
      for await (const _ of steps());
    },
  ],
]

const subscriptions: readonly [title: string, options: SubscribeOptions][] = [
  ['a handler without a timeout', {}],
  ['a handler with a timeout', { timeoutMs: stopTimeoutMs }],
  ['an ordered handler', { ordered: true, concurrency: 1 }],
]

interface Ran {
  readonly settled: readonly SettledEvent[]
  readonly aborted: boolean
}

/** Runs one message in a handler that ends its own subscription or queue, and then goes on for a moment. */
async function run(
  kind: 'stop' | 'disconnect',
  handler: (running: Running) => unknown,
  options: SubscribeOptions = {},
): Promise<Ran> {
  const { queue } = await open({ queue: { stopTimeoutMs } })
  const settled: SettledEvent[] = []
  const ended = gate()
  let aborted = true
  queue.on('settled', (event) => {
    settled.push(event)
    ended.open()
  })
  const end = (): Promise<void> => (kind === 'stop' ? subscription.stop() : queue.disconnect())
  const subscription: Subscription = await queue.subscribe(
    't',
    async (_, { signal }) => {
      await handler({ end, signal })
      // The rest of the run still counts.
      await sleep(2)
      aborted = signal.aborted
    },
    options,
  )
  await queue.publish('t', 1)
  await ended.opened
  await queue.disconnect()
  return { settled, aborted }
}

describe.each(['stop', 'disconnect'] as const)('%s, awaited inside', (kind) => {
  describe.each(subscriptions)('%s', (_, options) => {
    it.each(ways)('%s, resolves at once, and the outcome of the run counts', async (_, handler) => {
      const { settled, aborted } = await run(kind, handler, options)
      expect(settled).toMatchObject([{ settlement: 'done', attempt: 1 }])
      expect(aborted).toBe(false)
    })
  })

  it('middleware resolves at once', async () => {
    const { queue } = await open({ queue: { stopTimeoutMs } })
    const settled = new Promise((resolve) => void queue.on('settled', resolve))
    let subscription: Subscription | undefined
    queue.use({
      async handle(_message, _context, next) {
        await next()
        await (kind === 'stop' ? subscription?.stop() : queue.disconnect())
      },
    })
    subscription = await queue.subscribe('t', () => {})
    await queue.publish('t', 1)
    expect(await settled).toMatchObject({ settlement: 'done' })
  })

  it('onLastFailure resolves at once', async () => {
    const { queue } = await open({ queue: { stopTimeoutMs } })
    const settled = new Promise((resolve) => void queue.on('settled', resolve))
    const subscription: Subscription = await queue.subscribe(
      't',
      () => {
        throw new Error('no')
      },
      {
        retry: false,
        onLastFailure: async () => {
          await immediate()
          await (kind === 'stop' ? subscription.stop() : queue.disconnect())
        },
      },
    )
    await queue.publish('t', 1)
    expect(await settled).toMatchObject({ settlement: 'dead' })
  })

  it('a handler still waits for the others when it is awaited outside, and twice', async () => {
    const { queue } = await open({ queue: { stopTimeoutMs } })
    const [first, second, started] = [gate(), gate(), gate()]
    const order: string[] = []
    const subscription: Subscription = await queue.subscribe('t', async ({ data }) => {
      if (data === 'other') {
        started.open()
        await second.opened
        order.push('other')
        return
      }
      await started.opened
      await (kind === 'stop' ? subscription.stop() : queue.disconnect())
      order.push('inside')
      first.open()
    })
    await queue.publishAll('t', ['other', 'own'])
    await first.opened
    const outside = (kind === 'stop' ? subscription.stop() : queue.disconnect()).then(() => order.push('outside'))
    second.open()
    await outside
    expect(order).toEqual(['inside', 'other', 'outside'])
  })
})

it('the deadline of a stop inside a handler ends the run, which does not count then', async () => {
  const { queue } = await open({ queue: { stopTimeoutMs } })
  const settled: SettledEvent[] = []
  queue.on('settled', (event) => void settled.push(event))
  const isOver = gate()
  const subscription: Subscription = await queue.subscribe('t', async (_, { signal }) => {
    await subscription.stop({ timeoutMs: 1 })
    if (!signal.aborted) await once(signal, 'abort')
    isOver.open()
  })
  await queue.publish('t', 1)
  await isOver.opened
  await subscription.stop()
  expect(settled).toMatchObject([{ settlement: 'release' }])
  expect(await queue.stats('t')).toMatchObject({ ready: 1, inFlight: 0 })
})

it('stop of another subscription inside a handler waits for that one', async () => {
  const { queue } = await open({ queue: { stopTimeoutMs } })
  const [started, finish, done] = [gate(), gate(), gate()]
  const order: string[] = []
  const other = await queue.subscribe('other', async () => {
    started.open()
    await finish.opened
    order.push('other')
  })
  await queue.subscribe('t', async () => {
    const stopping = other.stop().then(() => order.push('stopped'))
    finish.open()
    await stopping
    done.open()
  })
  await queue.publish('other', 1)
  await started.opened
  await queue.publish('t', 1)
  await done.opened
  expect(order).toEqual(['other', 'stopped'])
})

it('stop of a scheduler inside a task resolves at once, and the result counts', async () => {
  const { queue } = await open({ queue: { stopTimeoutMs } })
  const scheduler = createScheduler(queue)
  const completed = new Promise((resolve) => void scheduler.on('completed', resolve))
  const task = defineTask({
    name: 't',
    async execute() {
      await immediate()
      await scheduler.stop()
      return 5
    },
  })
  await scheduler.register(task)
  await scheduler.start()
  await scheduler.enqueue(task, null)
  expect(await completed).toMatchObject({ result: 5 })
})

it('a task that has lost its message when it returns is reported as failed, not as completed', async () => {
  const { queue } = await open()
  const scheduler = createScheduler(queue)
  const ended: string[] = []
  const [started, finish, reported] = [gate(), gate(), gate()]
  scheduler.on('completed', () => void ended.push('completed'))
  scheduler.on('failed', ({ error }) => {
    ended.push(`failed ${(error as { code?: string }).code}`)
    reported.open()
  })
  const task = defineTask({
    name: 't',
    async execute() {
      started.open()
      await finish.opened
    },
  })
  await scheduler.register(task)
  await scheduler.start()
  await scheduler.enqueue(task, null)
  await started.opened
  await scheduler.stop({ timeoutMs: 0 })
  finish.open()
  await reported.opened
  expect(ended).toEqual(['failed MQ_STOPPED'])
})

it('a handler that waits through a callback is warned of, because it waits for itself', async () => {
  const lines: string[] = []
  const write = (text: string): void => void lines.push(text)
  const { queue } = await open({ queue: { log: { debug: write, info: write, warn: write, error: write } } })
  const ended = gate()
  const subscription: Subscription = await queue.subscribe('t', async () => {
    await new Promise<void>((resolve) => {
      setTimeout(() => void subscription.stop({ timeoutMs: 5 }).then(resolve), 0)
    })
    ended.open()
  })
  await queue.publish('t', 1)
  await ended.opened
  expect(lines).toEqual([expect.stringMatching(/^1 handlers of 't'.* 5 ms.*through a callback waits for itself/)])
})
