/** Messages between the process that has the broker and the one that runs cases. */

/** The cases that the other process has to run. */
export interface Program {
  /** The URL of the adapter's entry point. */
  readonly adapter: string
  /** The URL of the module that exports the adapter's subject. */
  readonly subject: string
  /** The ids of the cases. Undefined for the whole suite. */
  readonly only?: readonly string[]
  /** How many brokers it may use. */
  readonly brokers: number
}

/** A call of something that the other process has, such as a fault. */
export interface Call {
  readonly type: 'call'
  readonly number: number
  readonly target: number
  readonly name: string
  readonly args: readonly unknown[]
}

export interface Answer {
  readonly type: 'answer'
  readonly number: number
  readonly value?: unknown
  readonly error?: string
}

/** The result of one case, or the end of the run. */
export type Report =
  | Call
  | {
      readonly type: 'result'
      readonly id: string
      readonly status: string
      readonly reason: string
      readonly ms: number
    }
  | { readonly type: 'end'; readonly error?: string }

/** An object of the other process: its values, and the number and the names under which its functions can be called. */
interface Remote {
  readonly remote: number
  readonly functions: readonly string[]
  readonly values: Readonly<Record<string, unknown>>
}

interface Bytes {
  readonly bytes: string
}

/** Makes a value of what JSON cannot hold: bytes, and objects with functions, each of which `keep` gives a number. */
export function encode(value: unknown, keep: (object: object) => number): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') } satisfies Bytes
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value)
  const functions = entries.filter(([, part]) => typeof part === 'function').map(([name]) => name)
  if (functions.length === 0) return value
  const values = Object.fromEntries(entries.filter(([, part]) => typeof part !== 'function'))
  return { remote: keep(value), functions, values } satisfies Remote
}

/** Returns the value that `encode` was given. Functions become calls of the other process. */
export function decode(
  value: unknown,
  call: (target: number, name: string, args: unknown[]) => Promise<unknown>,
): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('bytes' in value) return Buffer.from((value as Bytes).bytes, 'base64')
  if (!('remote' in value)) return value
  const { remote, functions, values } = value as Remote
  const bound = functions.map((name) => [name, (...args: unknown[]) => call(remote, name, args)])
  return { ...values, ...Object.fromEntries(bound) }
}
