export interface RedisUser {
  readonly password: string
  /** ACL rules, such as `~app:* &* +@all -flushall`. */
  readonly rules: string
}

export interface RedisOptions {
  readonly tls?: boolean
  /** Of the default user, who needs none when this is left out. */
  readonly password?: string
  /** By name. The URL carries the first one. */
  readonly users?: Readonly<Record<string, RedisUser>>
  /** As Redis writes it: `2mb`. Past it, writes are refused, as the policy is `noeviction`. */
  readonly maxmemory?: string
  /** More lines of redis.conf; these come last and win. */
  readonly config?: Readonly<Record<string, string>>
}
