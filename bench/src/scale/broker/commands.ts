import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

export interface CommandRates {
  /** Commands that clients have sent, in a second. */
  readonly sent: number
  /** Commands that Redis has run, in a second: those that were sent, and those that scripts called. */
  readonly run: number
}

/** Measures the rates of commands for twice so many milliseconds. Resolves with NaN if the broker is no Redis. */
export async function commandRates(url: string, ms: number): Promise<CommandRates> {
  if (!/^rediss?:/.test(url)) return { sent: Number.NaN, run: Number.NaN }
  const client = new Redis(url)
  try {
    const run = await ranIn(client, ms)
    return { sent: await sentIn(url, ms), run }
  } finally {
    client.disconnect()
  }
}

/** Takes the difference of what `INFO commandstats` counts. It counts the commands of scripts too. */
async function ranIn(client: Redis, ms: number): Promise<number> {
  const count = async (): Promise<number> => {
    const text = await client.info('commandstats')
    return [...text.matchAll(/^cmdstat_(?!info)[^:]+:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0)
  }
  const before = await count()
  const startedAt = performance.now()
  await sleep(ms)
  const after = await count()
  return ((after - before) / (performance.now() - startedAt)) * 1_000
}

/**
 * Watches the commands, and leaves out those that scripts called. Watching costs Redis time, so nothing else is measured meanwhile.
 * A plain socket is enough, and the driver's own monitor fails if a command comes together with the answer to its request.
 */
async function sentIn(url: string, ms: number): Promise<number> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  try {
    await once(socket, 'connect')
    let sent = 0
    createInterface({ input: socket }).on('line', (line) => {
      if (/^\+\d+\.\d+ \[\d+ (?!lua\])/.test(line)) sent += 1
    })
    socket.write('MONITOR\r\n')
    const startedAt = performance.now()
    await sleep(ms)
    return (sent / (performance.now() - startedAt)) * 1_000
  } finally {
    socket.destroy()
  }
}
