/** The brokers that tests are written for. `memory` needs no server, and can be left out like the others. */
export const kinds = ['memory', 'rabbitmq', 'redis', 'kafka'] as const

export type Kind = (typeof kinds)[number]
export type ServerKind = Exclude<Kind, 'memory'>

/**
 * Which brokers this run is about, from `MQ_TEST_BROKERS`: a list such as `memory,redis`; all of them when unset.
 * A name that is not one of them is an error: a typing mistake must not leave tests out.
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

/** For `describe.skipIf(!brokers.wanted('kafka'))`: what is left out is then counted as skipped. */
export const brokers = {
  wanted: (kind: Kind): boolean => wantedKinds().includes(kind),
  /** Wanted, and not from the environment: only then can a test have a process, options and, with Kafka, a proxy. */
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
