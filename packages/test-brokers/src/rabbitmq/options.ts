export interface RabbitPermissions {
  /** Patterns of the names that the user may configure, write to and read from. */
  readonly configure: string
  readonly write: string
  readonly read: string
}

export interface RabbitUser {
  readonly password: string
  /** Default: everything. */
  readonly permissions?: RabbitPermissions
}

export interface RabbitOptions {
  readonly tls?: boolean
  /** Users by name. The URL has the login of the first one. Default: `guest`. */
  readonly users?: Readonly<Record<string, RabbitUser>>
  /**
   * The `vm_memory_high_watermark`, over which publishers are blocked: a fraction of the memory, or bytes such as
   * `200MB`.
   */
  readonly memoryWatermark?: number | string
  /** Switches the management API on, with the tag `monitoring` for every user. */
  readonly management?: boolean
  /** More lines of rabbitmq.conf. They come last, so they win. */
  readonly config?: Readonly<Record<string, string>>
  /** Settings of the `rabbit` application that rabbitmq.conf cannot hold. They survive a restart. */
  readonly application?: Readonly<Record<string, number>>
}
