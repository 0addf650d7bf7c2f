import type { ServerKind } from './kinds.js'
import type { Source } from './sources/machine.js'

/** What every broker of this package has, wherever it came from. */
export interface Server {
  readonly kind: ServerKind
  readonly source: Source
  /** With the credentials of the first user, if there are any. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** As the broker tells it, where its protocol does. */
  readonly version?: string
  /** PEM of the authority to trust; undefined without TLS, or when the environment's broker uses a public one. */
  readonly ca?: string
  /** Ends it with SIGKILL; resolves once it is gone. Its port stays reserved. */
  kill(): Promise<void>
  /** Starts it on the same port and data and waits until it answers. One that still runs is killed first. */
  restart(options?: RestartOptions): Promise<void>
  /** Stops it with SIGSTOP: connections stay open, and nothing answers. */
  pause(): Promise<void>
  /** Lets it go on with SIGCONT. */
  resume(): Promise<void>
  /** Ends it and removes its data. Nothing happens when it is shared or from the environment, so it may always be called. */
  stop(): Promise<void>
}

export interface RestartOptions {
  /** Ask a running one to end by itself, so that it can tell its clients; default is SIGKILL. */
  readonly graceful?: boolean
}

type Verb = 'kill' | 'restart' | 'pause' | 'resume'

/** The verbs of a server whose process is not this test's to hurt: each is refused by its name. */
export function refusedVerbs(reason: string): Pick<Server, Verb | 'stop'> {
  const refuse = (verb: string) => async (): Promise<never> => {
    throw new Error(`${verb}() needs a process of this test's own: ${reason}`)
  }
  return {
    kill: refuse('kill'),
    restart: refuse('restart'),
    pause: refuse('pause'),
    resume: refuse('resume'),
    stop: async () => undefined,
  }
}
