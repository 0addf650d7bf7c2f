import { type Worker as NodeWorker, Worker } from 'node:worker_threads'
import type { FromThread, ToThread } from './messages.js'

/** Hears what concerns one member. */
export interface ThreadListener {
  message(message: FromThread): void
  /** The thread has ended, and the member with it. It had lived for that long. */
  ended(error: Error, livedMs: number): void
}

/** How often the thread is told that this one lives. */
const aliveEveryMs = 500
/** How long the thread stays after its last member, because the next one often follows soon. */
const lingerMs = 5_000

/** The thread in which the members of this process live. It is started when it is needed, and does not keep the process alive. */
export class MemberThread {
  static #open: MemberThread | undefined

  readonly #worker: NodeWorker
  readonly #startedAt = performance.now()
  readonly #members = new Map<number, ThreadListener>()
  readonly #alive: NodeJS.Timeout
  #lastNumber = 0
  #idle: NodeJS.Timeout | undefined

  private constructor(url: URL) {
    this.#worker = new Worker(url, { name: 'mq-kafka-members', execArgv: [...loaderArgs(url)] })
    this.#worker.unref()
    this.#worker.on('message', (message: FromThread) => this.#members.get(message.member)?.message(message))
    this.#worker.on('error', (error) => this.#ended(error))
    this.#worker.on('exit', () => this.#ended(new Error('The thread of the group memberships has ended')))
    this.#alive = setInterval(() => this.post({ type: 'alive' }), aliveEveryMs)
    this.#alive.unref()
  }

  /** Returns the thread of this process. Throws if there can be none. */
  static get(url: URL): MemberThread {
    MemberThread.#open ??= new MemberThread(url)
    return MemberThread.#open
  }

  /** Adds a member, and returns its number. */
  add(listener: ThreadListener): number {
    clearTimeout(this.#idle)
    this.#lastNumber += 1
    this.#members.set(this.#lastNumber, listener)
    return this.#lastNumber
  }

  remove(member: number): void {
    this.#members.delete(member)
    if (this.#members.size > 0) return
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#end(), lingerMs)
    this.#idle.unref()
  }

  post(message: ToThread): void {
    this.#worker.postMessage(message)
  }

  #end(): void {
    if (MemberThread.#open === this) MemberThread.#open = undefined
    clearInterval(this.#alive)
    void this.#worker.terminate()
  }

  #ended(error: Error): void {
    this.#end()
    const members = [...this.#members.values()]
    this.#members.clear()
    const livedMs = performance.now() - this.#startedAt
    for (const { ended } of members) ended(error, livedMs)
  }
}

/** Returns the arguments of Node that load TypeScript, if the module needs them. Nothing else of the application runs in this thread. */
export function loaderArgs(url: URL): readonly string[] {
  const isLoader = (arg: string, at: number, args: readonly string[]): boolean =>
    arg === '--import' || args[at - 1] === '--import'
  return url.pathname.endsWith('.ts') ? process.execArgv.filter(isLoader) : []
}
