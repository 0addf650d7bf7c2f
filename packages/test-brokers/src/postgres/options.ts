export interface PostgresOptions {
  /** The password of the user. Default: one of its own, because a test of wrong passwords needs one. */
  readonly password?: string
  /** More lines of postgresql.conf. They come last, so they win. */
  readonly config?: Readonly<Record<string, string>>
}
