import { aptInstall, aptObstacle } from '../install/apt.js'
import { brokers, environmentUrl, type ServerKind, urlVariable } from '../kinds.js'
import { engineAnswers } from './engine.js'

/** The native part of a broker: how to know that it is there, and what to install when it is not. */
export interface NativeSource {
  readonly kind: ServerKind
  /** Why it cannot run natively; undefined when it can. */
  obstacle(): string | undefined
  /** The Debian packages that would remove the obstacle; none when apt has nothing for it. */
  readonly packages: readonly string[]
  /** Brings what is missing and can be had without apt. */
  prepare?(): Promise<void>
  /** What a person can install, for the error when nothing works. */
  readonly advice: string
}

/** Docker when an engine answers, else native, installing what is missing. When neither works, the error says what to do. */
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

/** The environment's URL, unless options ask for what a running server cannot be given. */
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

/** Asks the environment's broker, which has to be up already, and says which variable led to it when it does not answer. */
export async function askEnvironment<T>(kind: ServerKind, answer: () => Promise<T>): Promise<T> {
  try {
    return await answer()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`The broker of ${urlVariable(kind)} does not answer: ${reason}`, { cause })
  }
}
