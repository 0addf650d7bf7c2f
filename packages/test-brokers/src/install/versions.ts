import type { ServerKind } from '../kinds.js'

/** A version that a suite of Debian carries, so that it runs on any Debian or Ubuntu without Docker. */
export interface CarriedVersion {
  /** As in the variable: `4.3`, or `valkey-9.1` for another program of the same protocol. */
  readonly version: string
  readonly suite: DebianSuite
  readonly product: Product
}

export type DebianSuite = 'bookworm' | 'trixie' | 'forky'
export type Product = 'rabbitmq' | 'redis' | 'valkey'

const carried: Readonly<Record<Exclude<ServerKind, 'kafka' | 'postgres'>, readonly CarriedVersion[]>> = {
  rabbitmq: [
    { version: '3.10', suite: 'bookworm', product: 'rabbitmq' },
    { version: '4.0', suite: 'trixie', product: 'rabbitmq' },
    { version: '4.3', suite: 'forky', product: 'rabbitmq' },
  ],
  redis: [
    { version: '7.0', suite: 'bookworm', product: 'redis' },
    { version: '8.0', suite: 'trixie', product: 'redis' },
    { version: 'valkey-8.1', suite: 'trixie', product: 'valkey' },
    { version: 'valkey-9.1', suite: 'forky', product: 'valkey' },
  ],
}

/** Returns the number of a version without the name of its program: `9.1` of `valkey-9.1`. */
export const numberOf = ({ version }: CarriedVersion): string => version.replace(/^\D+-/, '')

/**
 * Returns the version that `MQ_TEST_RABBITMQ_VERSION` or `MQ_TEST_REDIS_VERSION` asks for, or undefined if the variable is not set.
 * Throws a `TypeError` that lists the known versions.
 */
export function askedVersion(kind: Exclude<ServerKind, 'kafka' | 'postgres'>): CarriedVersion | undefined {
  const name = `MQ_TEST_${kind.toUpperCase()}_VERSION`
  const asked = process.env[name]?.trim()
  if (asked === undefined || asked === '') return undefined
  const found = carried[kind].find(({ version }) => version === asked)
  if (found !== undefined) return found
  throw new TypeError(`${name} is '${asked}'; known are ${carried[kind].map(({ version }) => version).join(', ')}`)
}

/** Returns the image that Docker starts: that of the asked version, or else the default. */
export function imageOf(kind: Exclude<ServerKind, 'kafka' | 'postgres'>, usual: string): string {
  const asked = askedVersion(kind)
  if (asked === undefined) return usual
  return `${asked.product === 'valkey' ? 'valkey/valkey' : asked.product}:${numberOf(asked)}`
}
