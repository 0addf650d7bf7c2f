import { kafka, postgresql, type RabbitServer, rabbitmq, redis } from './index.js'
import { brokers, type ServerKind } from './kinds.js'
import { sweep } from './run/sweep.js'
import type { Server } from './server.js'

/** Implements `pnpm brokers up`: runs all brokers in the foreground until Ctrl-C. */
export async function up(): Promise<void> {
  await sweep()
  const starts: Record<ServerKind, () => Promise<Server>> = {
    rabbitmq: () => rabbitmq({ management: true }),
    redis,
    kafka,
    postgres: postgresql,
  }
  const kinds = (['rabbitmq', 'redis', 'kafka', 'postgres'] as const).filter(brokers.wanted)
  const ended = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve())
  })
  console.log(`Starting ${kinds.join(', ')} ...`)
  const starting = kinds.map(async (kind) => await starts[kind]())
  const started = Promise.all(starting)
  started.catch(() => undefined)
  try {
    const servers = await Promise.race([started, ended])
    if (servers === undefined) return
    for (const server of servers) {
      const { kind, url, version, source } = server
      console.log(`${kind.padEnd(9)} ${url}  (${version ?? '?'}, ${source})`)
      if (isManaged(server)) console.log(`${' '.repeat(10)}management API: ${server.managementUrl}`)
    }
    console.log('Ctrl-C ends them.')
    const keepAlive = setInterval(() => undefined, 60_000)
    await ended
    clearInterval(keepAlive)
  } finally {
    console.log('Ending them.')
    const settled = await Promise.allSettled(starting)
    await Promise.all(
      settled.map(async (result) => (result.status === 'fulfilled' ? await result.value.stop() : undefined)),
    )
  }
}

const isManaged = (server: Server): server is RabbitServer => 'managementUrl' in server
