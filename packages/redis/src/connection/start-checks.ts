import { MqError } from '@mq/core/adapter'
import type { Settings, WaitCommand } from '../options.js'
import { commandError } from './errors.js'
import type { Link } from './link.js'
import { probeScript } from './probe-script.js'

/**
 * Checks that this Redis can keep what the adapter promises. Resolves with warnings. Rejects with `MQ_AUTH_FAILED` if the user lacks
 * rights, and with `MQ_CONNECT_FAILED` if the server cannot be used.
 */
export async function checkServer(link: Link, settings: Settings): Promise<readonly MqError[]> {
  const warnings: MqError[] = []
  const info = await readInfo(link)
  const version = info.get('redis_version')
  if (version !== undefined && Number(version.split('.')[0]) < 7) {
    throw new MqError('MQ_CONNECT_FAILED', `Redis ${version} is too old: 7.0 or newer is needed`)
  }
  await checkCommands(link, settings.prefix)
  if (settings.wait !== undefined) await checkWait(link, settings.wait)
  const policy = info.get('maxmemory_policy')
  if (settings.checkEviction && policy !== undefined && policy !== 'noeviction' && info.get('maxmemory') !== '0') {
    const text = `maxmemory-policy is ${policy}`
    if (policy.startsWith('allkeys')) {
      const advice = 'set it to noeviction, or accept it with checkEviction: false'
      throw new MqError('MQ_CONNECT_FAILED', `Redis would evict messages when its memory is full (${text}): ${advice}`)
    }
    warnings.push(
      new MqError('MQ_OPERATION_FAILED', `Redis may forget ids of published messages (${text}); use noeviction`),
    )
  }
  if (settings.checkPersistence && info.get('aof_enabled') === '0') {
    const text = 'Redis writes no append-only file: messages are lost when it restarts'
    warnings.push(new MqError('MQ_OPERATION_FAILED', `${text}. Set appendonly yes, or checkPersistence: false`))
  }
  return warnings
}

/** Returns an empty map if the user may not call INFO. */
async function readInfo(link: Link): Promise<ReadonlyMap<string, string>> {
  try {
    const text = String(await link.send('INFO', []))
    const lines = text.split('\r\n').map((line) => line.split(':', 2) as [string, string])
    return new Map(lines)
  } catch (error) {
    const failed = commandError(error)
    if (failed.kind === 'refused') return new Map()
    throw failed
  }
}

async function checkCommands(link: Link, prefix: string): Promise<void> {
  const keys = ['a', 'b', 'c'].map((name) => `${prefix}:{mq.probe}:${name}`)
  const refuse = (what: string): MqError =>
    new MqError('MQ_AUTH_FAILED', `The user lacks rights on the keys ${prefix}:*: ${what}`)
  let denied: readonly Buffer[]
  try {
    denied = (await link.run(probeScript, keys, [])) as readonly Buffer[]
  } catch (error) {
    const failed = commandError(error)
    throw failed.word === 'NOPERM' ? refuse(failed.message) : failed
  }
  if (denied.length > 0) throw refuse([...new Set(denied.map(String))].join(', '))
}

/** Waits for no copies: it finds out only whether the command exists. */
async function checkWait(link: Link, { name, args }: WaitCommand): Promise<void> {
  try {
    await link.send(name, [...args.map(() => 0), 1])
  } catch (error) {
    const failed = commandError(error)
    if (failed.kind !== 'refused') throw failed
    throw new MqError('MQ_CONNECT_FAILED', `This Redis does not support ${name}: ${failed.message}`, {
      cause: failed.cause,
    })
  }
}
