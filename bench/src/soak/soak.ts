import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHostileLoad, defaultArena, enemyOf, type HostileLoad, newArena, spareBytes } from '@mq/fuzz'
import {
  type BrokerProxy,
  kafka,
  postgresql,
  proxy,
  rabbitmq,
  redis,
  type Server,
  type ServerKind,
  until,
} from '@mq/test-brokers'
import { createAccounts } from './accounts.js'
import { injectFault } from './faults.js'
import { takeLetters } from './letters.js'
import { type Figures, fateOf, group, type Job } from './plan.js'
import { startWorker, type Worker } from './processes.js'

export interface SoakOptions {
  readonly broker: ServerKind
  readonly minutes: number
  readonly perSecond: number
  /** Writes hostile entries beside the load. */
  readonly isHostile: boolean
  readonly random: () => number
  readonly print: (line: string) => void
}

const starts = { rabbitmq, redis, kafka: () => kafka({ proxies: 2 }), postgres: () => postgresql() }
const drainMs = 180_000
/** Every minute ends with so much time without faults. */
const calmMs = 10_000
/** After the load has been handled, connections that were open for it close within this time, on Kafka in up to 12 s. */
const restMs = 20_000
/** The minute with whose end the end is compared. */
const baseMinute = 2
/** Limits the heap after a garbage collection, as a multiple of the heap after two minutes. */
const maxHeapGrowth = 1.2
const mebibyte = 2 ** 20

/** Resolves to the problems found. */
export async function soak(options: SoakOptions): Promise<readonly string[]> {
  const { broker, isHostile, random } = options
  const server = await starts[broker]()
  const link = await proxy(server)
  const id = randomUUID().slice(0, 8)
  const topics = isHostile ? [`attacked.${id}`, `innocent.${id}`] : [`soak.${id}`]
  const concurrency = isHostile ? defaultArena.concurrency : 50
  if (isHostile && broker === 'postgres') throw new Error('There are no hostile messages for PostgreSQL yet')
  const enemy = isHostile && broker !== 'postgres' ? await enemyOf(broker, server as never) : undefined
  const arena = { ...newArena(defaultArena), topic: topics[0] ?? '', innocent: topics[1] ?? '', group }
  const hostile = enemy && createHostileLoad({ enemy, arena, random })
  const start = (perSecond: number): Promise<Worker> => startWorker({ url: link.url, topics, concurrency, perSecond })
  const run = new Run({ ...options, server, link, topics, concurrency, hostile, start })
  try {
    return await run.problems()
  } finally {
    await hostile?.pause()
    await run.end()
    await enemy?.close()
    await link.close()
    await server.stop()
  }
}

interface RunOptions extends SoakOptions, Pick<Job, 'topics' | 'concurrency'> {
  readonly server: Server
  readonly link: BrokerProxy
  readonly hostile: HostileLoad | undefined
  readonly start: (perSecond: number) => Promise<Worker>
}

class Run {
  readonly #options: RunOptions
  readonly #accounts = createAccounts()
  readonly #problems: string[] = []
  #main: Worker | undefined
  #consumer: Worker | undefined
  /** The reasons of `data-loss` events. */
  readonly #losses: string[] = []
  #isTooLarge = false

  constructor(options: RunOptions) {
    this.#options = options
  }

  async problems(): Promise<readonly string[]> {
    const { minutes, perSecond, hostile, start } = this.#options
    const main = await start(perSecond)
    this.#main = main
    this.#consumer = await start(0)
    let base: Figures | undefined
    for (let minute = 1; minute <= minutes; minute++) {
      hostile?.start()
      await this.#minute(minute, main)
      if (minute === baseMinute && minutes > baseMinute) {
        base = await this.#rest(main)
        main.send('go on')
      }
    }
    const last = await this.#rest(main)
    await this.#checkLedger()
    if (base !== undefined) this.#checkGrowth(base, last)
    await this.#checkEnd()
    return this.#problems
  }

  async end(): Promise<void> {
    await Promise.all([this.#main?.kill(), this.#consumer?.kill()])
  }

  async #minute(minute: number, main: Worker): Promise<void> {
    const { server, link, random, print, hostile } = this.#options
    const until = Date.now() + 60_000
    const done = new Map<string, number>()
    const replaceWorker = (): Promise<void> => this.#replaceConsumer()
    while (Date.now() < until - calmMs) {
      const name = await injectFault({ server, link, replaceWorker }, random)
      done.set(name, (done.get(name) ?? 0) + 1)
      await sleep(1_000 + random() * 4_000)
      this.#listen()
    }
    await hostile?.pause()
    await sleep(Math.max(0, until - Date.now()))
    this.#listen()
    await this.#settle()
    const figures = await main.ask('measure')
    const { stored, handled, unknown, twice } = this.#accounts.sums()
    const faults = [...done].map(([name, count]) => `${name} x${count}`).join(', ')
    print(
      `minute ${minute}: ${stored} stored, ${handled} handled, ${unknown} unknown, ${twice} more than once; ` +
        (hostile === undefined
          ? ''
          : `${hostile.written()} hostile entries, ${hostile.missing().length} still open; `) +
        `heap ${figures.heapMiB.toFixed(1)} MiB, ${figures.sockets} sockets, ${link.connections} connections; ${faults}`,
    )
  }

  /** Stops the load, and measures when everything has been handled. */
  async #rest(main: Worker): Promise<Figures> {
    main.send('quiet')
    await this.#drain()
    await sleep(restMs)
    const figures = await main.ask('measure')
    this.#options.print(`at rest: heap ${figures.heapMiB.toFixed(1)} MiB, ${figures.sockets} sockets`)
    return figures
  }

  async #replaceConsumer(): Promise<void> {
    await this.#consumer?.kill()
    this.#listen()
    this.#consumer = await this.#options.start(0)
  }

  /** Takes over what the processes have reported. */
  #listen(): void {
    const { hostile } = this.#options
    for (const worker of [this.#main, this.#consumer]) {
      for (const said of worker?.news() ?? []) {
        this.#accounts.take(said)
        if (said.foreign !== undefined) hostile?.see(said.foreign)
        if (said.problem !== undefined) this.#problems.push(said.problem)
        if (said.loss !== undefined) this.#losses.push(said.loss)
        this.#checkMemory(said.residentMiB ?? 0, worker?.restMiB ?? 0)
      }
    }
  }

  #checkMemory(residentMiB: number, restMiB: number): void {
    const { hostile, concurrency } = this.#options
    if (hostile === undefined || this.#isTooLarge) return
    const maxMiB = restMiB + (spareBytes + concurrency * hostile.largestBytes()) / mebibyte
    if (residentMiB <= maxMiB) return
    this.#isTooLarge = true
    this.#problems.push(`${residentMiB} MiB were resident; ${Math.round(maxMiB)} MiB are allowed`)
  }

  /** Lists hostile dead letters and removes them, so that they do not fill the broker. */
  async #settle(): Promise<void> {
    const { server, topics, hostile, print } = this.#options
    if (hostile === undefined) return
    // A broker may need half a minute for entries that are expensive to deliver: what is left of them is taken in the next minute.
    const taken = await takeLetters(server.url, topics).catch((error: unknown) => print(`no dead letters: ${error}`))
    if (taken) hostile.seeLetters(taken.foreign)
    if (hostile.missing().length > 0) return
    this.#problems.push(...hostile.storms())
    hostile.settle()
  }

  /** Waits until nothing is missing, but no longer than three minutes. What is missing then is lost. */
  async #drain(): Promise<void> {
    const { server, topics, hostile } = this.#options
    const until = Date.now() + drainMs
    const isDone = async (): Promise<boolean> => {
      this.#listen()
      if (this.#accounts.missing().length > 0) return false
      if (hostile === undefined || hostile.missing().length === 0) return true
      hostile.seeLetters((await takeLetters(server.url, topics)).foreign)
      return hostile.missing().length === 0
    }
    while (!(await isDone()) && Date.now() < until) await sleep(1_000)
  }

  async #checkLedger(): Promise<void> {
    const { server, topics, hostile } = this.#options
    const { ours, reasons, foreign } = await takeLetters(server.url, topics)
    hostile?.seeLetters(foreign)
    const lost = this.#accounts.missing().filter((number) => !ours.has(number))
    this.#note(lost, 'stored messages were lost')
    this.#note(this.#accounts.unexpected(), 'messages ran without having been stored')
    this.#note(
      this.#accounts.dead().filter((number) => !ours.has(number)),
      'dead letters are missing',
    )
    const wrong = [...reasons].filter(([number]) => fateOf(number) !== 'dead')
    this.#note(
      wrong.map(([number, reason]) => `${number} (${reason})`),
      'messages are dead letters that should have been handled',
    )
    this.#note(hostile?.missing() ?? [], 'hostile entries were neither handled nor dead-lettered')
    this.#problems.push(...(hostile?.storms() ?? []))
    const expected = hostile?.lookLost() ?? 0
    if (this.#losses.length > expected) {
      this.#note(this.#losses, `data-loss events, of which hostile entries explain ${expected}`)
    }
  }

  #note(list: readonly (number | string)[], what: string): void {
    if (list.length > 0) this.#problems.push(`${list.length} ${what}: ${list.slice(0, 10).join('; ')}`)
  }

  #checkGrowth(base: Figures, last: Figures): void {
    const growth = last.heapMiB / base.heapMiB
    if (growth > maxHeapGrowth)
      this.#problems.push(`the heap grew to ${growth.toFixed(2)} times that of minute ${baseMinute}`)
    if (last.sockets > base.sockets) {
      this.#problems.push(`${last.sockets} sockets at the end, ${base.sockets} after minute ${baseMinute}`)
    }
  }

  /** Both processes are well, and once they have left, neither they nor the broker hold a connection. */
  async #checkEnd(): Promise<void> {
    const { link } = this.#options
    const workers = { publisher: this.#main, consumer: this.#consumer }
    for (const [name, worker] of Object.entries(workers)) {
      const { illness } = (await worker?.ask('measure')) ?? {}
      if (illness !== undefined) this.#problems.push(`health() of the ${name} at the end: ${illness}`)
    }
    for (const [name, worker] of Object.entries(workers)) {
      const { sockets } = (await worker?.ask('leave')) ?? { sockets: 0 }
      if (sockets > 0) this.#problems.push(`the ${name} holds ${sockets} sockets after it has left`)
    }
    // The proxy notices the end of a killed process a moment later.
    const areClosed = (): boolean => link.connections === 0
    await until(areClosed, { what: 'all connections to be closed', timeoutMs: 10_000 }).catch(() => undefined)
    if (!areClosed()) this.#problems.push(`${link.connections} connections are left at the broker`)
  }
}
