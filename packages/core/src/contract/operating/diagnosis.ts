/** The state of a broker as an adapter finds it, for operators. */
export interface Diagnosis {
  /** The broker with its version, `Redis 7.2.4` for example. */
  readonly server: string
  readonly findings: readonly Finding[]
}

/** Something about a broker that an operator should know. */
export interface Finding {
  /** Names the kind of finding, for programs. It is stable within a major version: `redis.eviction` for example. */
  readonly code: string
  /**
   * - `error`: messages are lost, or something does not work.
   * - `warning`: messages are lost, or something does not work, once something else happens.
   * - `info`: good to know, or could not be found out.
   */
  readonly severity: 'error' | 'warning' | 'info'
  /** A sentence that says what is wrong. It shows no password. */
  readonly problem: string
  /** A sentence that says what to do. */
  readonly advice: string
  /** The URL of a page about it. */
  readonly docs?: string
}
