/** A pool of the application's own: `new pg.Pool(…)`, or anything with the same functions. */
export interface PostgresPool {
  connect(): Promise<PostgresPoolClient>
}

/** A connection of such a pool. */
export interface PostgresPoolClient {
  query(statement: PostgresStatement): Promise<{ readonly rows: readonly unknown[] }>
  /** Gives the connection back, or ends it if `destroy` is true. */
  release(destroy?: boolean): void
  on(event: 'error' | 'end' | 'notification', listener: (value: unknown) => void): unknown
}

/** A statement as the driver takes it. */
export interface PostgresStatement {
  readonly text: string
  readonly values: unknown[]
  readonly name?: string
}

/** Throws a `TypeError` unless the value is a pool. */
export function requirePool(pool: unknown): PostgresPool | undefined {
  if (pool === undefined) return undefined
  if (typeof pool === 'object' && pool !== null && typeof (pool as Partial<PostgresPool>).connect === 'function') {
    return pool as PostgresPool
  }
  throw new TypeError('pool must be a Pool of pg')
}
