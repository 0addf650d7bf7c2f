import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openQueue } from '@mq/core'
import { type Child, child, kafka, proxy, rabbitmq, redis, type Server, type ServerKind } from '@mq/test-brokers'
import { createAccounts } from './accounts.js'
import { injectFault } from './faults.js'
import { group, type Job, type Memory, type Said } from './plan.js'

export interface SoakOptions {
  readonly broker: ServerKind
  readonly minutes: number
  readonly perSecond: number
  readonly random: () => number
  readonly print: (line: string) => void
}

const starts: Record<ServerKind, () => Promise<Server>> = { rabbitmq, redis, kafka: () => kafka({ proxies: 2 }) }
const childUrl = new URL('./child.ts', import.meta.url)
const drainMs = 180_000
/** Limits the heap after a garbage collection, as a multiple of the heap after two minutes. */
const maxHeapGrowth = 1.2

/** Resolves to the problems found. */
export async function soak({ broker, minutes, perSecond, random, print }: SoakOptions): Promise<readonly string[]> {
  const server = await starts[broker]()
  const link = await proxy(server)
  const accounts = createAccounts()
  const problems: string[] = []
  const topic = `soak.${randomUUID()}`
  const start = (rate: number): Promise<Child<Said>> => startChild({ url: link.url, topic, perSecond: rate })
  const heard = new Map<Child<Said>, number>()
  /** Takes over the reports of a child since the last call. */
  const listen = (from: Child<Said>): void => {
    const all = from.reported()
    for (const said of all.slice(heard.get(from) ?? 0)) {
      accounts.take(said)
      if (said.problem !== undefined) problems.push(said.problem)
    }
    heard.set(from, all.length)
  }
  const main = await start(perSecond)
  let worker = await start(0)
  const replaceWorker = async (): Promise<void> => {
    await worker.kill()
    listen(worker)
    heard.delete(worker)
    worker = await start(0)
  }
  try {
    const memories: Memory[] = []
    for (let minute = 1; minute <= minutes; minute++) {
      const until = Date.now() + 60_000
      const done = new Map<string, number>()
      while (Date.now() < until - 10_000) {
        const name = await injectFault({ server, link, replaceWorker }, random)
        done.set(name, (done.get(name) ?? 0) + 1)
        await sleep(1_000 + random() * 4_000)
        listen(main)
        listen(worker)
      }
      await sleep(Math.max(0, until - Date.now()))
      const memory = await measure(main)
      memories.push(memory)
      const { stored, handled, unknown, twice } = accounts.sums()
      const faults = [...done].map(([name, count]) => `${name} x${count}`).join(', ')
      print(
        `minute ${minute}: ${stored} stored, ${handled} handled, ${unknown} unknown, ${twice} more than once; ` +
          `heap ${memory.heapMiB.toFixed(1)} MiB, ${memory.sockets} sockets; ${faults}`,
      )
    }
    main.send('quiet')
    await drain({ main, listen: () => [main, worker].forEach(listen), missing: accounts.missing })
    const lost = await withoutDead(server, topic, accounts.missing())
    if (lost.length > 0) problems.push(`${lost.length} stored messages were lost: ${some(lost)}`)
    const unexpected = accounts.unexpected()
    if (unexpected.length > 0) problems.push(`${unexpected.length} ran without having been stored: ${some(unexpected)}`)
    const buried = await deadNumbers(server, topic)
    const vanished = accounts.dead().filter((number) => !buried.has(number))
    if (vanished.length > 0) problems.push(`${vanished.length} dead letters are missing: ${some(vanished)}`)
    problems.push(...memoryProblems(memories))
    return problems
  } finally {
    await Promise.all([main.kill(), worker.kill()])
    await link.close()
    await server.stop()
  }
}

function startChild(job: Job): Promise<Child<Said>> {
  // This configuration has no paths to the sources, so the soak runs the built packages.
  const env = {
    NODE_OPTIONS: '--expose-gc',
    TSX_TSCONFIG_PATH: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)),
  }
  return child<Said>(childUrl, { args: [JSON.stringify(job)], env }).then(async (started) => {
    await started.waitFor((said) => said.some(({ state }) => state === 'ready'), {
      what: 'a process of the soak to be ready',
      timeoutMs: 60_000,
    })
    return started
  })
}

async function measure(main: Child<Said>): Promise<Memory> {
  const before = main.reported().length
  main.send('measure')
  const isMemory = ({ memory }: Said): boolean => memory !== undefined
  const said = await main.waitFor((all) => all.slice(before).some(isMemory), { what: 'its memory', timeoutMs: 30_000 })
  return said.slice(before).find(isMemory)?.memory ?? { heapMiB: Number.NaN, sockets: Number.NaN }
}

interface Drain {
  readonly main: Child<Said>
  readonly listen: () => void
  readonly missing: () => readonly number[]
}

/** Waits until nothing is missing, but no longer than three minutes. What is missing then is lost. */
async function drain({ listen, missing }: Drain): Promise<void> {
  const until = Date.now() + drainMs
  do {
    await sleep(1_000)
    listen()
  } while (missing().length > 0 && Date.now() < until)
}

async function withoutDead(server: Server, topic: string, numbers: readonly number[]): Promise<readonly number[]> {
  if (numbers.length === 0) return numbers
  const dead = await deadNumbers(server, topic)
  return numbers.filter((number) => !dead.has(number))
}

async function deadNumbers(server: Server, topic: string): Promise<ReadonlySet<number>> {
  const queue = await openQueue(server.url, { group })
  const dead = await queue.deadLetters(topic).list({ limit: 10_000 })
  await queue.disconnect()
  return new Set(dead.map(({ data }) => data as number))
}

function memoryProblems(memories: readonly Memory[]): readonly string[] {
  const [, base] = memories
  const last = memories.at(-1)
  if (base === undefined || last === undefined || memories.length < 3) return []
  const problems: string[] = []
  const growth = last.heapMiB / base.heapMiB
  if (growth > maxHeapGrowth) problems.push(`the heap grew to ${growth.toFixed(2)} times that of minute 2`)
  if (last.sockets > base.sockets) problems.push(`${last.sockets} sockets at the end, ${base.sockets} after minute 2`)
  return problems
}

const some = (numbers: readonly number[]): string => numbers.slice(0, 10).join(', ')
