import { setTimeout as sleep } from 'node:timers/promises'
import {
  createQueue,
  createScheduler,
  defineTask,
  type Message,
  type Queue,
  type Subscription,
  type TaskScheduler,
  Unrecoverable,
} from '@mq/core'
import type { Adapter } from '@mq/core/adapter'
import type { Arena } from '../arena.js'
import { type Canary, canaryDelayMs, isCanaryId } from '../canary.js'
import { type Letter, lettersFrom, type Sight } from './sight.js'
import { createWitness } from './witness.js'

/** Each call is answered with plain data, so that a subject may be another process. */
export interface Subject {
  /** Ends the arena before. Resolves once the groups are consumed. */
  open(arena: Arena): Promise<void>
  publish(topic: string, canaries: readonly Canary[]): Promise<void>
  /** Asks for tasks: the names under which their results come. */
  ask(names: readonly string[]): Promise<void>
  look(): Promise<Sight>
  letters(ref: { readonly topic: string; readonly group: string }): Promise<readonly Letter[]>
  replay(ref: { readonly topic: string; readonly group: string }, entryIds: readonly string[]): Promise<number>
  purge(ref: { readonly topic: string; readonly group: string }): Promise<number>
  end(): Promise<void>
}

/** Longer than any list of an arena: a list that leaves something out would show nothing. */
const allLetters = 5_000
/** So long a handler holds what is not ours, so that several are in memory at a time. */
const holdMs = 20
const retry = { attempts: 3, backoff: 'fixed', delayMs: 50, jitter: 'none' } as const

/** An application of ours, in this process. */
export async function createSubject(adapter: Adapter, secrets: readonly string[] = []): Promise<Subject> {
  const witness = createWitness(secrets)
  const queue = createQueue(adapter, { group: 'fuzz', retry, log: witness.log, publishTimeoutMs: 20_000 })
  witness.listen(queue)
  await queue.connect()
  let opened: (() => Promise<void>) | undefined
  let arena: Arena | undefined
  let scheduler: TaskScheduler | undefined
  const pardoned = new Set<string>()

  async function handle(message: Message): Promise<void> {
    const { id, topic, attempt, data } = message
    if (!isCanaryId(id)) {
      witness.saw(message)
      await sleep(holdMs)
      return
    }
    witness.ran(topic, id, attempt)
    const kind = (data as { kind?: unknown } | null)?.kind
    if (kind === 'flaky' && attempt === 1) throw new Error('as planned')
    if (kind === 'doomed' && !pardoned.has(id)) throw new Unrecoverable('as planned')
  }

  const probe = (name: string) =>
    defineTask<{ readonly name: string; readonly slow?: boolean }, string>({
      name,
      retry: { attempts: 2, delayMs: 50 },
      async execute(input, { id, progress, signal }) {
        if (typeof input?.name !== 'string') throw new Unrecoverable('nothing that was asked for')
        if (input.slow === true) {
          witness.running(id)
          for (let step = 1; step <= 5 && !signal.aborted; step++) {
            progress(step / 10, 'ours')
            await sleep(120)
          }
        }
        return `done ${input.name}`
      },
    })

  async function openTasks(at: Arena): Promise<() => Promise<void>> {
    const made = createScheduler(queue, { replyTimeoutMs: 20_000 })
    scheduler = made
    await made.register(probe(at.task), { concurrency: 8 })
    const tick = defineTask<null, void>({ name: `tick-${at.schedule}`, execute: () => witness.ticked() })
    await made.register(tick)
    await made.schedule(at.schedule, { everyMs: 1_000 }, tick, null)
    await made.start()
    return async () => {
      await made.stop({ timeoutMs: 1_000 })
      scheduler = undefined
    }
  }

  async function open(at: Arena): Promise<void> {
    await opened?.()
    arena = at
    const subscriptions: Subscription[] = []
    const { concurrency, group, ordered } = at
    subscriptions.push(await queue.subscribe(at.topic, handle, { group, concurrency, ordered }))
    subscriptions.push(await queue.subscribe(at.innocent, handle, { group, concurrency }))
    const closeTasks = at.tasks ? await openTasks(at) : undefined
    opened = async () => {
      await closeTasks?.()
      await Promise.all(subscriptions.map((one) => one.stop({ timeoutMs: 500 })))
    }
    witness.reset()
  }

  async function askOne(name: string): Promise<void> {
    if (scheduler === undefined || arena === undefined) throw new Error('The arena has no scheduler')
    const slow = name.startsWith('slow')
    const handle_ = await scheduler.enqueue(probe(arena.task), { name, slow }, { reply: true })
    void (async () => {
      for await (const step of handle_.progress()) witness.step(step)
    })().catch(() => undefined)
    void handle_.result().then(
      (result) => witness.result(name, String(result)),
      (error: Error) => witness.result(name, `error: ${error.message}`),
    )
  }

  return {
    open,
    async publish(topic, canaries) {
      await Promise.all(
        canaries.map(({ id, kind }, index) =>
          queue.publish(
            topic,
            { kind },
            { id, key: `key-${index % 5}`, ...(kind === 'delayed' && { delayMs: canaryDelayMs }) },
          ),
        ),
      )
    },
    async ask(names) {
      await Promise.all(names.map(askOne))
    },
    look: async () => witness.look(queue),
    letters: (ref) => lettersOf(queue, ref),
    async replay({ topic, group }, entryIds) {
      for (const { entryId, id } of await lettersOf(queue, { topic, group })) {
        if (entryIds.includes(entryId) && isCanaryId(id)) pardoned.add(id)
      }
      return (await queue.deadLetters(topic, group).replay([...entryIds])).replayed
    },
    purge: async ({ topic, group }) => (await queue.deadLetters(topic, group).purge()).purged,
    async end() {
      await opened?.()
      witness.close()
      await queue.disconnect({ timeoutMs: 500 })
    },
  }
}

async function lettersOf(
  queue: Queue,
  { topic, group }: { readonly topic: string; readonly group: string },
): Promise<readonly Letter[]> {
  const found = await queue.deadLetters(topic, group).list({ limit: allLetters })
  return lettersFrom(topic, found)
}
