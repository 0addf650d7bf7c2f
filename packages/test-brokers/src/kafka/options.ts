export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

export interface KafkaOptions {
  /** Such as `4.1.1`. From Maven natively, the image's tag with Docker. */
  readonly version?: string
  readonly tls?: boolean
  /** Passwords by name. With them clients must log in. The URL carries the first one. */
  readonly users?: Readonly<Record<string, string>>
  /** What a login may use; all three when left out. */
  readonly mechanisms?: readonly SaslMechanism[]
  /** Users who may do everything. With them everybody else needs an ACL for each thing, made by one of these. */
  readonly superUsers?: readonly string[]
  /** Of Java, in megabytes. */
  readonly heapMb?: number
  /** More options of Java; these come last and win. */
  readonly javaOptions?: readonly string[]
  /** How many proxies can stand in front of it at a time: each has a listener of its own, which only a start can add. */
  readonly proxies?: number
  /** More lines of server.properties; these come last and win. */
  readonly config?: Readonly<Record<string, string>>
}
