/** Which adapter a subject uses, and how. Plain data: it is sent to another process. */
export interface SubjectSetup {
  readonly adapter: 'memory' | 'redis' | 'rabbitmq' | 'kafka'
  readonly options: Readonly<Record<string, unknown>>
  /** Passwords, which nothing may show. */
  readonly secrets?: readonly string[]
}
