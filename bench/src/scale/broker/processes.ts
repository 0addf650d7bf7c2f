// Reads what the kernel knows of processes. Only Linux has these files; elsewhere the figures are NaN, and the tables show a dash.
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** The kernel counts processor time for programs in hundredths of a second, on every machine. */
const ticksPerSecond = 100

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

interface TcpEntry {
  readonly localPort: number
  readonly remote: string
  readonly state: string
  readonly inode: string
}

async function tcpEntries(): Promise<readonly TcpEntry[]> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(textOf))
  return tables.flatMap((table) =>
    table
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
        if (inode === '') return []
        return [{ localPort: Number.parseInt(local.split(':')[1] ?? '', 16), remote, state, inode }]
      }),
  )
}

async function socketInodes(pid: number): Promise<ReadonlySet<string>> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')))
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}

const listening = '0A'
const established = '01'

/** Returns the processes that listen on a port, with their descendants. */
export async function processesBehind(port: number): Promise<readonly number[]> {
  const inodes = (await tcpEntries())
    .filter(({ localPort, state }) => localPort === port && state === listening)
    .map(({ inode }) => inode)
  const pids = (await readdir('/proc').catch(() => [])).map(Number).filter((pid) => pid > 0)
  const parents = new Map<number, number>()
  const found = new Set<number>()
  for (const pid of pids) {
    parents.set(pid, Number((await statOf(pid))[1]))
    const own = await socketInodes(pid)
    if (inodes.some((inode) => own.has(inode))) found.add(pid)
  }
  const descends = (pid: number): boolean => {
    const parent = parents.get(pid)
    return found.has(pid) || (parent !== undefined && parent > 1 && descends(parent))
  }
  return pids.filter(descends)
}

/** Returns the fields of `/proc/<pid>/stat` after the name of the program, which may contain anything. */
async function statOf(pid: number): Promise<readonly string[]> {
  const text = await textOf(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Returns the seconds of processor time that processes have taken so far. */
export async function processorSeconds(pids: readonly number[]): Promise<number> {
  if (pids.length === 0) return Number.NaN
  const all = await Promise.all(
    pids.map(async (pid) => {
      const fields = await statOf(pid)
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
    }),
  )
  return all.reduce((sum, seconds) => sum + seconds, 0)
}

/** Returns how much of one core several lots of processes take, in percent, during so many milliseconds. */
export async function loadOf(lots: readonly (readonly number[])[], ms: number): Promise<readonly number[]> {
  const seconds = () => Promise.all(lots.map(processorSeconds))
  const startedAt = performance.now()
  const before = await seconds()
  await sleep(ms)
  const after = await seconds()
  const passed = (performance.now() - startedAt) / 1_000
  return after.map((value, index) => ((value - (before[index] ?? Number.NaN)) / passed) * 100)
}

/** Returns the resident memory of processes. */
export async function residentMiB(pids: readonly number[]): Promise<number> {
  if (pids.length === 0) return Number.NaN
  const texts = await Promise.all(pids.map((pid) => textOf(`/proc/${pid}/status`)))
  const sizes = texts.map((text) => Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1] ?? 0))
  return sizes.reduce((sum, kib) => sum + kib, 0) / 1_024
}

/** Returns how many TCP connections a process holds to the broker to which it has most, whichever of its threads opened them. */
export async function socketsOf(pid: number): Promise<number> {
  const [entries, own] = await Promise.all([tcpEntries(), socketInodes(pid)])
  if (entries.length === 0) return Number.NaN
  const counts = new Map<string, number>()
  for (const { remote, state, inode } of entries) {
    if (state === established && own.has(inode)) counts.set(remote, (counts.get(remote) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}
