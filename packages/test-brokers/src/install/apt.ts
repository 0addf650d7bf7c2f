import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../run/folder.js'
import { withLock } from '../run/lock.js'
import { findProgram, installRefusal, mayInstall, run, say } from './find.js'

const policyFile = '/usr/sbin/policy-rc.d'

/** Returns why apt cannot install anything here, or undefined if it can. */
export function aptObstacle(): string | undefined {
  if (!mayInstall()) return installRefusal
  if (findProgram('apt-get') === undefined || !isDebianLike()) return 'this is not Debian or Ubuntu'
  if (process.getuid?.() !== 0) return 'installing with apt-get needs root'
  return undefined
}

/**
 * Installs packages with apt-get unless `isThere` returns true, and announces that first. Their services are not started. If
 * several processes need them, only one installs.
 */
export async function aptInstall(packages: readonly string[], isThere: () => boolean): Promise<void> {
  await withLock(join(root(), 'apt.lock'), { what: 'another apt-get of ours to end', timeoutMs: 900_000 }, async () => {
    if (isThere()) return
    const startedAt = Date.now()
    say(`installing ${packages.join(' and ')} with apt-get (once; as root; no service is started)`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const wait = ['-o', 'DPkg::Lock::Timeout=300']
    const install = () =>
      run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...wait, ...packages], { env })
    await withoutServices(async () => {
      try {
        await install()
      } catch {
        // The lists are missing, as in a fresh image, or name files that no longer exist.
        await run('apt-get', ['update', '-q', ...wait], { env })
        await install()
      }
    })
    say(`installed ${packages.join(' and ')} in ${Math.round((Date.now() - startedAt) / 1_000)} s`)
  })
}

/** Debian's packages run this file to ask whether they may start their service. An existing file is left alone. */
export async function withoutServices<T>(work: () => Promise<T>, file = policyFile): Promise<T> {
  try {
    writeFileSync(file, '#!/bin/sh\nexit 101\n', { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return await work()
  }
  chmodSync(file, 0o755)
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function isDebianLike(): boolean {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}
