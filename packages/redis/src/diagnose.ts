import type { Diagnosis, Finding } from '@mq/core/adapter'
import { commandError } from './connection/errors.js'
import type { Link } from './connection/link.js'

const page = 'https://github.com/mq-js/mq/blob/main/docs/operating/redis.md'
const before = `${page}#before-the-first-message`

/** How far the clock of the server may be from that of this machine. */
const maxClockMs = 2_000
/** The part of `maxmemory` from which a server counts as nearly full. */
const fullShare = 0.7

/** Looks for settings of the server that lose messages. Rights were checked when the adapter was connected. */
export async function diagnose(link: Link): Promise<Diagnosis> {
  const clock = await clockFinding(link)
  const info = await readInfo(link)
  if (info === undefined) return { server: 'Redis', findings: [noInfo, ...clock] }
  const name = info.has('valkey_version') ? 'Valkey' : 'Redis'
  const version = info.get('valkey_version') ?? info.get('redis_version') ?? ''
  return {
    server: `${name} ${version}`.trim(),
    findings: [...memoryFindings(info), ...durabilityFindings(info), ...clock],
  }
}

const noInfo: Finding = {
  code: 'redis.info-refused',
  severity: 'info',
  problem: 'The user may not call INFO, so the settings of the server are unknown.',
  advice: 'Give the user the right +info.',
  docs: 'https://github.com/mq-js/mq/blob/main/packages/redis/README.md#rights',
}

/** Returns undefined if the user may not call INFO. */
async function readInfo(link: Link): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const text = String(await link.send('INFO', []))
    return new Map(text.split('\r\n').map((line) => line.split(':', 2) as [string, string]))
  } catch (error) {
    const failed = commandError(error)
    if (failed.kind === 'refused') return undefined
    throw failed
  }
}

function memoryFindings(info: ReadonlyMap<string, string>): readonly Finding[] {
  const findings: Finding[] = []
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  const max = Number(info.get('maxmemory') ?? 0)
  const used = Number(info.get('used_memory') ?? 0)
  if (policy !== 'noeviction') {
    const takes = policy.startsWith('allkeys') ? 'messages' : 'the ids of published messages, so that duplicates pass'
    const when = max === 0 ? 'once maxmemory is set' : 'when its memory is full'
    findings.push({
      code: 'redis.eviction',
      severity: max === 0 ? 'warning' : 'error',
      problem: `maxmemory-policy is ${policy}: the server removes ${takes}, ${when}.`,
      advice: 'Set maxmemory-policy to noeviction, and use a server of its own for messages.',
      docs: before,
    })
  }
  if (max === 0) {
    findings.push({
      code: 'redis.no-memory-limit',
      severity: 'info',
      problem: 'maxmemory is not set: if memory runs out, the operating system decides what happens.',
      advice: 'Set maxmemory to what the machine can spare.',
      docs: before,
    })
  } else if (used > fullShare * max) {
    findings.push({
      code: 'redis.memory',
      severity: 'warning',
      problem: `${Math.round((100 * used) / max)} % of maxmemory is used. When it is full, publishing is refused.`,
      advice: 'Add consumers, remove groups that nobody needs, or raise maxmemory.',
      docs: `${page}#watch`,
    })
  }
  return findings
}

function durabilityFindings(info: ReadonlyMap<string, string>): readonly Finding[] {
  const findings: Finding[] = []
  if (info.get('aof_enabled') === '0') {
    findings.push({
      code: 'redis.no-append-only-file',
      severity: 'error',
      problem: 'The server writes no append-only file: messages are lost when it restarts.',
      advice: 'Set appendonly to yes.',
      docs: before,
    })
  } else if (info.get('aof_last_write_status') === 'err') {
    findings.push({
      code: 'redis.append-only-file-fails',
      severity: 'error',
      problem: 'The server cannot write its append-only file.',
      advice: 'Look at its log and at the free space of its disk.',
      docs: `${page}#watch`,
    })
  }
  if (info.get('role') === 'master' && info.get('connected_slaves') === '0') {
    findings.push({
      code: 'redis.no-replica',
      severity: 'info',
      problem: 'The server has no replica: its messages are as safe as its disk.',
      advice: 'Add a replica with Sentinel or a cluster, if messages matter.',
      docs: before,
    })
  }
  return findings
}

async function clockFinding(link: Link): Promise<readonly Finding[]> {
  const askedAt = Date.now()
  const [seconds, microseconds] = (await link.send('TIME', [])) as readonly [unknown, unknown]
  const answeredAt = Date.now()
  const there = Number(seconds) * 1_000 + Number(microseconds) / 1_000
  const apartMs = Math.round(Math.max(askedAt - there, there - answeredAt))
  if (apartMs <= maxClockMs) return []
  return [
    {
      code: 'redis.clock',
      severity: 'warning',
      problem: `The clocks of the server and of this machine are ${Math.round(apartMs / 1_000)} s apart.`,
      advice: 'Synchronise both by NTP: delays follow the server, and points in time follow the machines.',
      docs: page,
    },
  ]
}
