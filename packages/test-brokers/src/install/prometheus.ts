import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { withLock } from '../run/lock.js'
import { cacheFolder } from './cache.js'
import { findProgram, installRefusal, mayInstall, run, say } from './find.js'

export interface PrometheusPrograms {
  readonly prometheus: string
  /** Checks configurations and rules. */
  readonly promtool: string
}

/**
 * Returns the programs of Prometheus: the one that `MQ_TEST_PROMETHEUS` names, with its `promtool` beside it, those of the PATH, or
 * those of Debian's package. They need nothing else of the package, so it is only unpacked into the cache, which any user may do. Throws
 * if none of these is possible, because a test that did not run proves nothing.
 */
export async function prometheusPrograms(): Promise<PrometheusPrograms> {
  const named = process.env.MQ_TEST_PROMETHEUS
  if (named !== undefined && named !== '') return { prometheus: named, promtool: join(dirname(named), 'promtool') }
  const [prometheus, promtool] = [findProgram('prometheus'), findProgram('promtool')]
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool }
  const folder = join(cacheFolder(), 'prometheus')
  if (!existsSync(folder)) await unpack(folder)
  return { prometheus: join(folder, 'prometheus'), promtool: join(folder, 'promtool') }
}

async function unpack(folder: string): Promise<void> {
  const obstacle = mayInstall() ? missingTool() : installRefusal
  if (obstacle !== undefined) {
    throw new Error(`No prometheus on the PATH, and ${obstacle}. Install it, or name it in MQ_TEST_PROMETHEUS.`)
  }
  mkdirSync(cacheFolder(), { recursive: true })
  await withLock(`${folder}.lock`, { what: 'another process to fetch Prometheus', timeoutMs: 600_000 }, async () => {
    if (existsSync(folder)) return
    const startedAt = Date.now()
    say(`fetching Debian's package of Prometheus to ${folder} (once, 20 MB)`)
    const part = mkdtempSync(`${folder}.part.`)
    try {
      await fetchPackage(part)
      const [file = ''] = readdirSync(part)
      await run('dpkg-deb', ['--extract', join(part, file), join(part, 'package')])
      // A folder of that name is always whole.
      renameSync(join(part, 'package/usr/bin'), folder)
    } finally {
      rmSync(part, { recursive: true, force: true })
    }
    say(`fetched Prometheus in ${Math.round((Date.now() - startedAt) / 1_000)} s`)
  })
}

const missingTool = (): string | undefined =>
  ['apt-get', 'dpkg-deb'].every((tool) => findProgram(tool) !== undefined)
    ? undefined
    : 'there is no apt-get to fetch one'

async function fetchPackage(cwd: string): Promise<void> {
  // The folder is not readable for the user as whom apt would download otherwise.
  const fetch = () => run('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=', 'prometheus'], { cwd })
  try {
    await fetch()
  } catch (error) {
    if (process.getuid?.() !== 0) throw error
    // The lists are missing, as in a fresh image, or name files that no longer exist.
    await run('apt-get', ['update', '-q'])
    await fetch()
  }
}
