export interface RedisUser {
  readonly password: string
  /** ACL rules, such as `~app:* &* +@all -flushall`. */
  readonly rules: string
}

export interface RedisOptions {
  readonly tls?: boolean
  /** The password of the default user. Default: none is needed. */
  readonly password?: string
  /** Users by name. The URL has the login of the first one. */
  readonly users?: Readonly<Record<string, RedisUser>>
  /**
   * The memory limit in the form of Redis, such as `2mb`. Over it writes are refused, because the policy is
   * `noeviction`.
   */
  readonly maxmemory?: string
  /** More lines of redis.conf. They come last, so they win. */
  readonly config?: Readonly<Record<string, string>>
}
