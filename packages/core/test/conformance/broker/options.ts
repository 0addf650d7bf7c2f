import type { JsonObject } from '../../../src/conformance/subject.js'
import type { MutantName } from '../mutants.js'
import { type Faulty, planted } from './mutation.js'
import { Standstill } from './standstill.js'

/** The options of the adapter. */
export interface AdapterOptions {
  /** The broker's name in the registry. */
  readonly broker: string
  readonly password: string
  /** The name of another way to the broker. Undefined: the one that all use. */
  readonly route: string | undefined
  /** Whether to require TLS. The broker's certificate is not trusted. */
  readonly tls: boolean
  /** The time without a byte after which both sides give up a connection. */
  readonly heartbeatMs: number
  readonly connectTimeoutMs: number
  /** The timeout of everything except publishes, which have their own. */
  readonly operationTimeoutMs: number
  readonly standstill: Standstill
  /** Says which fault is planted. */
  readonly faulty: Faulty
}

export function adapterOptions(options: JsonObject): AdapterOptions {
  const { broker, password, route, tls, heartbeatMs, connectTimeoutMs, operationTimeoutMs, mutant } = options
  return {
    broker: String(broker),
    password: String(password),
    route: route === undefined ? undefined : String(route),
    tls: tls === true,
    heartbeatMs: Number(heartbeatMs ?? 200),
    connectTimeoutMs: Number(connectTimeoutMs ?? 2_000),
    operationTimeoutMs: Number(operationTimeoutMs ?? 3_000),
    standstill: new Standstill(),
    faulty: planted(mutant as MutantName | undefined),
  }
}
