import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'

const demo = fileURLToPath(new URL('..', import.meta.url))

const standInFiles = [new URL('./remote/adapter.js', import.meta.url), new URL('./remote/wire.js', import.meta.url)]

/** The main file of the built demo. */
export const builtDemo = join(demo, 'dist', 'main.js')

/**
 * Copies the built demo with its packages and returns the main file of the copy. Of the adapters the copy has only the embedded one
 * and, if asked for, a stand-in under the name of `@mq/redis`. So the adapters installed here make no difference.
 */
export async function demoWithAdapters({ standIn }: { readonly standIn: boolean }): Promise<string> {
  // The real path, as Node identifies a module by it and the folder for temporary files may be a link.
  const root = await realpath(await mkdtemp(join(tmpdir(), 'mq-demo-test-')))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  await cp(join(demo, 'dist'), join(root, 'dist'), { recursive: true })
  await cp(join(demo, 'data'), join(root, 'data'), { recursive: true })
  await writeFile(join(root, 'package.json'), '{ "type": "module" }')
  const packages = join(demo, 'node_modules')
  const names = (await readdir(packages)).filter((name) => !name.startsWith('.') && name !== '@mq')
  await mkdir(join(root, 'node_modules', '@mq'), { recursive: true })
  for (const name of [...names, '@mq/core', '@mq/memory']) {
    await symlink(await realpath(join(packages, name)), join(root, 'node_modules', name))
  }
  if (standIn) {
    const redis = join(root, 'node_modules', '@mq', 'redis')
    for (const file of standInFiles) await cp(file, join(redis, basename(file.pathname)))
    await writeFile(join(redis, 'package.json'), '{ "name": "@mq/redis", "type": "module", "exports": "./adapter.js" }')
  }
  return join(root, 'dist', 'main.js')
}

export interface Running {
  readonly child: ChildProcess
  /** The folder for its temporary files, which is removed after the test. */
  readonly temporary: string
  /** Resolves with the output once it matches. Rejects if the process ends before. */
  printed(pattern: RegExp): Promise<string>
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>
}

/** Starts a real process of the demo. It is ended after the test. */
export function run(main: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  if (!existsSync(main)) throw new Error('The demo is not built: pnpm turbo run build --filter=@mq/demo')
  const { MQ_URL: _, ...inherited } = process.env
  const temporary = mkdtempSync(join(tmpdir(), 'mq-demo-test-'))
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...inherited, TMPDIR: temporary, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output += text
    })
  }
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
    await rm(temporary, { recursive: true, force: true })
  })
  return {
    child,
    temporary,
    ended,
    async printed(pattern) {
      const end = ended.then(() => Promise.reject(new Error(`It ended without ${pattern}:\n${output}`)))
      end.catch(() => {})
      while (!pattern.test(output)) await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), end])
      return output
    },
  }
}

/** How long a run may take on a busy machine. */
export const runMs = 45_000

/** Checks the output that every good run has, on any broker. */
export function expectGoodRun(output: string): void {
  expect(output).toContain('POST /users 60/60 · user.created 56/56 · SendEmailTask 56/56 · mail in the mailbox 55/55')
  expect(output).toMatch(/│ delivered +│ 55 /)
  expect(output).toMatch(/│ dead-lettered +│ 1 /)
  expect(output).toMatch(/│ refused +│ 4 /)
  expect(output).toMatch(/│ webhooks +│ 56 /)
  expect(output.match(/│ mira\.sovanek@example\.com +│ SendEmailTask, run [12] +│ 451 4\.3\.0 /g)).toHaveLength(2)
  expect(output).toMatch(/│ yann\.kerdoncuff@example\.com +│ 550 5\.1\.1 There is no such mailbox/)
  expect(output).toMatch(/│ tadeo\.\.doubledot@example\.org +│ 400 email: Invalid email address/)
  expect(output).toMatch(/│ example\.com +│ 37 /)
  expect(output).toContain('  Subject: Welcome to our platform\n')
  expect(output).toContain('  Hello, thank you for registering with us! Your user ID is 42.\n')
  expect(output).toMatch(/SendEmailTask returned \{"status":"success","email":"[a-z.]+@example\.(com|org)"\}/)
  expect(output).toContain('All 60 sign-ups ended as expected.')
}
