import type { JsonObject } from '../../../src/conformance/subject.js'
import type { MutantName } from '../mutants.js'
import { type Faulty, planted } from './mutation.js'

/** What the adapter is made with. */
export interface AdapterOptions {
  /** The broker's name in the registry. */
  readonly broker: string
  readonly password: string
  /** Whether to insist on TLS. The broker's certificate is signed by nobody. */
  readonly tls: boolean
  /** After this long without a byte a connection is given up, on both sides. */
  readonly heartbeatMs: number
  readonly connectTimeoutMs: number
  /** For everything but publishing, which brings its own. */
  readonly operationTimeoutMs: number
  /** What is wrong with it on purpose. */
  readonly faulty: Faulty
}

export function adapterOptions(options: JsonObject): AdapterOptions {
  const { broker, password, tls, heartbeatMs, connectTimeoutMs, operationTimeoutMs, mutant } = options
  return {
    broker: String(broker),
    password: String(password),
    tls: tls === true,
    heartbeatMs: Number(heartbeatMs ?? 200),
    connectTimeoutMs: Number(connectTimeoutMs ?? 2_000),
    operationTimeoutMs: Number(operationTimeoutMs ?? 3_000),
    faulty: planted(mutant as MutantName | undefined),
  }
}
