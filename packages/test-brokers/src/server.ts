import type { ServerKind } from './kinds.js'
import type { Source } from './sources/machine.js'

/** The interface of every broker of this package, from any source. */
export interface Server {
  readonly kind: ServerKind
  readonly source: Source
  /** The URL with the credentials of the first user, if there are any. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** The version, if the broker's protocol reports it. */
  readonly version?: string
  /** The name of the program, if it is another one of the same protocol: `Valkey`. */
  readonly product?: string
  /**
   * The certificate of the authority as PEM. Undefined without TLS, or if the environment's broker uses a public one.
   */
  readonly ca?: string
  /** Ends the server with SIGKILL. Resolves once it is gone. Its port stays reserved. */
  kill(): Promise<void>
  /** Starts the server on the same port and data, and waits until it answers. A running server is killed first. */
  restart(options?: RestartOptions): Promise<void>
  /** Pauses the server with SIGSTOP: connections stay open, and nothing answers. */
  pause(): Promise<void>
  /** Resumes the server with SIGCONT. */
  resume(): Promise<void>
  /** Ends the server and removes its data. Does nothing to a shared server or one from the environment. */
  stop(): Promise<void>
}

export interface RestartOptions {
  /** Asks a running server to end by itself, so that it can notify its clients. Default: false, which means SIGKILL. */
  readonly graceful?: boolean
}

type Verb = 'kill' | 'restart' | 'pause' | 'resume'

/** Returns verbs for a server whose process does not belong to this test. Each rejects with its own name. */
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
