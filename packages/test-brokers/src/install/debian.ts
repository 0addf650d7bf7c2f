import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '../run/lock.js'
import { aptInstall, aptObstacle } from './apt.js'
import { cacheFolder } from './cache.js'
import { findProgram, installRefusal, mayInstall, run, say } from './find.js'
import { askedVersion, type CarriedVersion, type DebianSuite, numberOf, type Product } from './versions.js'

/** The packages of each program. Every suite has what it carries of them in one root. */
const packagesOf: Readonly<Record<Product, readonly string[]>> = {
  rabbitmq: ['rabbitmq-server'],
  redis: ['redis-server', 'redis-sentinel'],
  valkey: ['valkey-server'],
}

const carries: Readonly<Record<DebianSuite, readonly Product[]>> = {
  bookworm: ['rabbitmq', 'redis'],
  trixie: ['rabbitmq', 'redis', 'valkey'],
  forky: ['rabbitmq', 'redis', 'valkey'],
}

/** The programs of a root by the names under which this package looks for them. */
const programsOf: Readonly<Record<Product, Readonly<Record<string, string>>>> = {
  rabbitmq: {
    'rabbitmq-server': '/usr/lib/rabbitmq/bin/rabbitmq-server',
    rabbitmqctl: '/usr/lib/rabbitmq/bin/rabbitmqctl',
    epmd: '/usr/bin/epmd',
  },
  redis: { 'redis-server': '/usr/bin/redis-server', 'redis-cli': '/usr/bin/redis-cli' },
  valkey: { 'redis-server': '/usr/bin/valkey-server', 'redis-cli': '/usr/bin/valkey-cli' },
}

/** Returns the folder with the programs of the asked version, or undefined if the variable asks for none. */
export function askedPrograms(kind: 'rabbitmq' | 'redis'): string | undefined {
  const asked = askedVersion(kind)
  return asked && join(cacheFolder(), `${asked.suite}-${asked.product}`)
}

/** Fetches what the asked version needs. Does nothing if no version is asked for. Throws if that cannot be done. */
export async function prepareAsked(kind: 'rabbitmq' | 'redis'): Promise<void> {
  const asked = askedVersion(kind)
  const folder = askedPrograms(kind)
  if (asked === undefined || folder === undefined) return
  if (process.getuid?.() !== 0) throw new Error(`${kind} ${asked.version} runs in a root of its own, which needs root`)
  const root = join(cacheFolder(), `debian-${asked.suite}`)
  mkdirSync(cacheFolder(), { recursive: true })
  await withLock(
    `${root}.lock`,
    { what: `another process to fetch Debian ${asked.suite}`, timeoutMs: 1_800_000 },
    async () => {
      if (!existsSync(root)) await fetchRoot(asked.suite, root)
      await requireVersion(asked, root)
      if (existsSync(folder)) return
      const part = mkdtempSync(`${folder}.part.`)
      for (const [name, program] of Object.entries(programsOf[asked.product])) {
        writeFileSync(join(part, name), wrapper(root, program))
        chmodSync(join(part, name), 0o755)
      }
      renameSync(part, folder)
    },
  )
}

/** A suite that is still in development moves on to newer versions. */
async function requireVersion(asked: CarriedVersion, root: string): Promise<void> {
  const [name = ''] = packagesOf[asked.product]
  const admin = join(root, 'var/lib/dpkg')
  // The epoch and Debian's own part of the version do not matter.
  const version = (await run('dpkg-query', [`--admindir=${admin}`, '-W', '-f', '$' + '{Version}', name])).replace(
    /^\d+:/,
    '',
  )
  if (version.startsWith(`${numberOf(asked)}.`)) return
  throw new Error(
    `Debian ${asked.suite} in ${root} has ${name} ${version}, not ${asked.version}; remove it to fetch it anew`,
  )
}

/** Installs a small Debian into a folder. Renames it when it is complete, so a folder of that name is always whole. */
async function fetchRoot(suite: DebianSuite, root: string): Promise<void> {
  if (!mayInstall()) throw new Error(`${root} does not exist, and ${installRefusal}`)
  if (findProgram('debootstrap') === undefined) {
    const obstacle = aptObstacle()
    if (obstacle !== undefined) throw new Error(`no debootstrap on the PATH, and ${obstacle}`)
    await aptInstall(['debootstrap'], () => findProgram('debootstrap') !== undefined)
  }
  const startedAt = Date.now()
  const packages = carries[suite].flatMap((product) => packagesOf[product])
  say(`fetching ${packages.join(', ')} of Debian ${suite} to ${root} (once, about 400 MB)`)
  const part = mkdtempSync(`${root}.part.`)
  try {
    const include = [...packages, 'adduser', 'ca-certificates'].join(',')
    const scripts = '/usr/share/debootstrap/scripts'
    // The script of a suite that is newer than debootstrap is that of the suite in development.
    const script = existsSync(join(scripts, suite)) ? [] : [join(scripts, 'sid')]
    const options = ['--variant=minbase', `--include=${include}`]
    // In a mount namespace of its own, so that what it mounts can never be removed by mistake.
    const namespace = ['--mount', '--propagation', 'private']
    await run('unshare', [...namespace, 'debootstrap', ...options, suite, part, await mirror(), ...script])
    // Without it a node cannot find the name server of its own host.
    copyFileSync('/etc/hosts', join(part, 'etc/hosts'))
    rmSync(join(part, 'var/cache/apt/archives'), { recursive: true, force: true })
    chmodSync(part, 0o755)
    renameSync(part, root)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
  say(`fetched Debian ${suite} in ${Math.round((Date.now() - startedAt) / 1_000)} s`)
}

/** Returns the mirror from which this machine installs. */
async function mirror(): Promise<string> {
  const targets = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'])
  const [first] = targets.split('\n').filter((line) => line !== '')
  if (first === undefined) throw new Error('apt knows no mirror; run `apt-get update`')
  return first
}

/**
 * Returns a script that becomes a program of the root. Its mounts end with the process, because its mount namespace is its own. It
 * sees the temporary folder, in which every server has its files, under the same path.
 */
function wrapper(root: string, program: string): string {
  const inside = [
    'root=$1 program=$2 temporary="$3"',
    'shift 3',
    'mkdir -p "$root$temporary"',
    'mount --rbind /dev "$root/dev"',
    'mount -t proc proc "$root/proc"',
    'mount --rbind "$temporary" "$root$temporary"',
    'exec chroot "$root" /usr/bin/env --chdir="$PWD" "$program" "$@"',
  ].join('\n')
  return `#!/bin/sh\nexec unshare --mount --propagation private /bin/sh -e -c '${inside}' mq '${root}' '${program}' "\${TMPDIR:-/tmp}" "$@"\n`
}
