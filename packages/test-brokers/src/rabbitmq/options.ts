export interface RabbitPermissions {
  /** Patterns of the names that may be configured, written to and read from. */
  readonly configure: string
  readonly write: string
  readonly read: string
}

export interface RabbitUser {
  readonly password: string
  /** Everything when left out. */
  readonly permissions?: RabbitPermissions
}

export interface RabbitOptions {
  readonly tls?: boolean
  /** By name. The URL carries the first one. `guest` exists only when this is left out. */
  readonly users?: Readonly<Record<string, RabbitUser>>
  /** `vm_memory_high_watermark`: past it publishers are blocked. A fraction of the memory, or bytes such as `200MB`. */
  readonly memoryWatermark?: number | string
  /** More lines of rabbitmq.conf; these come last and win. */
  readonly config?: Readonly<Record<string, string>>
  /** Settings of the `rabbit` application for which rabbitmq.conf has no line; they hold after a restart too. */
  readonly application?: Readonly<Record<string, number>>
}
