export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

export interface KafkaOptions {
  /** The version, such as `4.1.1`: that of Maven's jars natively, the image's tag with Docker. */
  readonly version?: string
  readonly tls?: boolean
  /** Passwords by user name. If there are any, clients must log in. The URL has the login of the first user. */
  readonly users?: Readonly<Record<string, string>>
  /** The allowed mechanisms of a login. Default: all three. */
  readonly mechanisms?: readonly SaslMechanism[]
  /** Users who may do everything. If there are any, other users need ACLs that one of these creates. */
  readonly superUsers?: readonly string[]
  /** The heap of Java, in megabytes. */
  readonly heapMb?: number
  /** More options of Java. They come last, so they win. */
  readonly javaOptions?: readonly string[]
  /** The number of proxies that can be in use at a time. Each has a listener of its own, which only a start can add. */
  readonly proxies?: number
  /** More lines of server.properties. They come last, so they win. */
  readonly config?: Readonly<Record<string, string>>
}
