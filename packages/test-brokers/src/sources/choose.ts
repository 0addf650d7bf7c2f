import { aptInstall, aptObstacle } from '../install/apt.js'
import { brokers, environmentUrl, type ServerKind, urlVariable } from '../kinds.js'
import { engineAnswers } from './engine.js'

/** Describes how a broker runs natively: how to detect it, and what to install if it is missing. */
export interface NativeSource {
  readonly kind: ServerKind
  /** Returns why the broker cannot run natively, or undefined if it can. */
  obstacle(): string | undefined
  /** Returns the Debian packages that would help, or none if apt cannot help. */
  readonly packages: readonly string[]
  /** Downloads missing parts that need no apt. */
  prepare?(): Promise<void>
  /** The text for the error if nothing works, with what to install. */
  readonly advice: string
}

/**
 * Chooses Docker if an engine answers, else native, and installs what is missing. If neither works, the error says what
 * to do.
 */
export async function chooseSource(native: NativeSource): Promise<'docker' | 'native'> {
  const { kind } = native
  if (!brokers.wanted(kind)) {
    throw new Error(
      `MQ_TEST_BROKERS leaves ${kind} out: guard its tests with describe.skipIf(!brokers.wanted('${kind}'))`,
    )
  }
  if (await engineAnswers()) return 'docker'
  let cause: unknown
  try {
    if (native.obstacle() !== undefined && native.packages.length > 0 && aptObstacle() === undefined) {
      await aptInstall(native.packages, () => native.obstacle() === undefined)
    }
    await native.prepare?.()
  } catch (error) {
    cause = error
  }
  const missing = cause instanceof Error ? cause.message : native.obstacle()
  if (missing === undefined) return 'native'
  const apt = native.packages.length > 0 ? aptObstacle() : undefined
  throw new Error(
    [
      `No ${kind} for the tests. One of these is enough:`,
      `  - ${urlVariable(kind)}, the URL of a running one (now: not set)`,
      '  - a Docker engine (now: none answers)',
      `  - ${native.advice} (now: ${missing}${apt === undefined ? '' : `; ${apt}`})`,
      `Or leave its tests out with MQ_TEST_BROKERS, which lists the brokers to test.`,
    ].join('\n'),
    { cause },
  )
}

/** Returns the environment's URL. Throws if there are options that a running server cannot get. */
export function fromEnvironment(kind: ServerKind, options: object): URL | undefined {
  const text = environmentUrl(kind)
  if (text === undefined || !brokers.wanted(kind)) return undefined
  const asked = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (asked.length > 0) {
    throw new Error(
      `${kind}() cannot give '${asked.join("', '")}' to a running server, and ${urlVariable(kind)} is set`,
    )
  }
  if (!URL.canParse(text)) throw new Error(`${urlVariable(kind)} is not a URL`)
  return new URL(text)
}

export const environmentReason = (kind: ServerKind): string => `${urlVariable(kind)} is set`

/** Queries the environment's broker, which has to be up. If it does not answer, the error names the variable. */
export async function askEnvironment<T>(kind: ServerKind, answer: () => Promise<T>): Promise<T> {
  try {
    return await answer()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`The broker of ${urlVariable(kind)} does not answer: ${reason}`, { cause })
  }
}
