import { type AdapterFactory, isMqError } from '@mq/core'
import { withoutSecrets } from '@mq/core/adapter'
import { CommanderError } from 'commander'
import { CommandFailure, exitCode } from './exit-codes.js'
import { safeText } from './output/escape.js'
import { createScreen } from './output/screen.js'
import { createProgram } from './program.js'
import { describe } from './session.js'
import type { Input, Output } from './terminal.js'

export type { Input, Output }

export interface CommandOptions {
  /** The adapters that the application has imported, `[redis]` for example. Default: they are loaded by the scheme of the URL. */
  readonly adapters?: readonly AdapterFactory[] | undefined
  /** Ends the command after its current part when it aborts. Default: nothing does. */
  readonly signal?: AbortSignal | undefined
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Default: `process.stdin`. */
  readonly stdin?: Input | undefined
  /** Gets the data. Default: `process.stdout`. */
  readonly stdout?: Output | undefined
  /** Gets everything that is no data. Default: `process.stderr`. */
  readonly stderr?: Output | undefined
}

/**
 * Runs the command `mq` with its arguments, such as `['stats', 'mail', 'mailer']`. Resolves to its exit code, and never rejects. It does
 * not end the process.
 */
export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<number> {
  const { signal = new AbortController().signal, env = process.env, stdin = process.stdin } = options
  const { stdout = process.stdout, stderr = process.stderr, adapters = [] } = options
  const screen = createScreen({ stdout, stderr, env })
  // A reader that has gone, as in `mq tail mail | head`, is no failure.
  const ignored = (): void => {}
  stdout.once('error', ignored)
  try {
    await createProgram({ env, stdin, stdout, stderr, signal, adapters }, screen).parseAsync([...args], {
      from: 'user',
    })
    return exitCode.ok
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage
    screen.note(`mq: ${safeText(withoutSecrets(describe(error)))}`)
    return codeFor(error)
  } finally {
    stdout.off('error', ignored)
  }
}

/** Errors that the arguments or the environment cause. */
const usageCodes: readonly string[] = [
  'MQ_INVALID_CONFIG',
  'MQ_INVALID_HEADER',
  'MQ_INVALID_NAME',
  'MQ_INVALID_OPTION',
  'MQ_INVALID_URL',
  'MQ_UNSUPPORTED_TYPE',
]

function codeFor(error: unknown): number {
  if (error instanceof CommandFailure) return error.exitCode
  if (isMqError(error, 'MQ_TOPIC_MISSING') || isMqError(error, 'MQ_GROUP_MISSING')) return exitCode.notFound
  if (isMqError(error) && usageCodes.includes(error.code)) return exitCode.usage
  return exitCode.failed
}
