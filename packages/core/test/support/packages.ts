import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished, vi } from 'vitest'

/** A folder of its own for one test, gone when the test has finished. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mq-core-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Until the test has finished, packages are looked for from this folder, and not from where the test's runner is installed. */
export function actAsApplicationIn(folder: string): void {
  const { argv } = process
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(folder)
  process.argv = [argv[0] ?? '', join(folder, 'main.js')]
  onTestFinished(() => {
    process.argv = argv
    cwd.mockRestore()
  })
}

/** Writes files, making their folders. Values that are no text are written as JSON. */
export async function write(folder: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
}

export async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path, 'dir')
}

/** The source of an adapter factory, complete enough to be connected. It keeps what it was called with in `given`. */
export const adapterSource = `
const nothing = async () => {}
export default (given) => ({
  name: 'nats', given, contract: 2,
  capabilities: {
    durable: true, embedded: false, retainsUnrouted: true, startFromEarliest: true, orderedKeys: true, countsCrashes: true,
    delayResolutionMs: 1, maxDelayMs: 1e9, maxHandlerMs: Infinity, maxMessageBytes: 1e6, redeliveryMs: 0,
  },
  connect: nothing, disconnect: nothing, publish: nothing, declareGroup: nothing, deleteGroup: nothing, consume: nothing,
  deadLetters: () => ({}), stats: nothing, health: () => ({ status: 'up', consumers: [] }), on: () => () => {},
})
`
