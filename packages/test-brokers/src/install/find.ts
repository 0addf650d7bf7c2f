import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** Returns the first executable of that name in the folders, then on the PATH. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter)
  // Debian keeps servers in sbin, which is not on an ordinary user's PATH.
  return [...folders, ...path, '/usr/sbin', '/usr/local/sbin'].map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Runs a command that installs something. A failure contains the end of its output. */
export async function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
) {
  try {
    const { stdout } = await promisify(execFile)(command, args, { ...options, maxBuffer: 64 * 1024 * 1024 })
    return stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    const end = `${stdout ?? ''}${stderr ?? ''}`.slice(-2_000)
    throw new Error(`\`${command} ${args.join(' ')}\` failed: ${end || String(error)}`, { cause: error })
  }
}

/** Announces an installation. Bypasses the test runner, which may hold back the output of a test. */
export function say(text: string): void {
  process.stderr.write(`test-brokers: ${text}\n`)
}

/** Returns false for `MQ_TEST_INSTALL=never`, with which nothing is installed or downloaded. */
export const mayInstall = (): boolean => process.env.MQ_TEST_INSTALL !== 'never'

export const installRefusal = 'MQ_TEST_INSTALL is `never`'
