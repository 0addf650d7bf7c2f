/** The brokers for which there are tests. `memory` needs no server, and can be left out like the others. */
export const kinds = ['memory', 'rabbitmq', 'redis', 'kafka', 'postgres'] as const

export type Kind = (typeof kinds)[number]
export type ServerKind = Exclude<Kind, 'memory'>

/**
 * Returns the brokers to test, from `MQ_TEST_BROKERS`: a list such as `memory,redis`. Default: all. Throws for an unknown
 * name, because a typing mistake must not leave tests out.
 */
function wantedKinds(): readonly Kind[] {
  const setting = process.env.MQ_TEST_BROKERS?.trim()
  if (setting === undefined || setting === '') return kinds
  return setting.split(',').map((part) => {
    const name = part.trim()
    const kind = kinds.find((known) => known === name)
    if (kind === undefined) throw new Error(`MQ_TEST_BROKERS has '${name}'; known are ${kinds.join(', ')}`)
    return kind
  })
}

/** Says which brokers to test. `describe.skipIf(!brokers.wanted('kafka'))` counts omitted tests as skipped. */
export const brokers = {
  wanted: (kind: Kind): boolean => wantedKinds().includes(kind),
  /**
   * Returns whether the broker is wanted and not from the environment. Only then are process verbs, options and a Kafka
   * proxy possible.
   */
  owned: (kind: ServerKind): boolean => brokers.wanted(kind) && environmentUrl(kind) === undefined,
  get left(): readonly Kind[] {
    return kinds.filter((kind) => !this.wanted(kind))
  },
}

export const urlVariable = (kind: ServerKind): string => `MQ_TEST_${kind.toUpperCase()}_URL`

export function environmentUrl(kind: ServerKind): string | undefined {
  const url = process.env[urlVariable(kind)]?.trim()
  return url === '' ? undefined : url
}
