import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { kafka, postgresql, rabbitmq, redis, type Server, type ServerKind } from '@mq/test-brokers'
import seedrandom from 'seedrandom'
import { trial } from './trial.js'

const starts: Record<ServerKind, () => Promise<Server>> = { rabbitmq, redis, kafka, postgres: postgresql }
const usage = `Usage: pnpm schedules <${Object.keys(starts).join('|')}> [options]

  --seconds N  duration (60)
  --store      gives the schedule a store, in a Redis
  --seed N     kills the same replicas in the same order again`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    store: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(randomInt(1, 2 ** 31)) },
  },
})
const [broker] = positionals.filter((name): name is ServerKind => Object.hasOwn(starts, name))
const seconds = Number(values.seconds)
if (broker === undefined || positionals.length !== 1 || !(seconds >= 1)) {
  console.error(usage)
  process.exit(2)
}

const server = await starts[broker]()
const storeServer = values.store && broker !== 'redis' ? await redis() : server
try {
  console.log(`${server.kind} ${server.version ?? ''}, seed ${values.seed}`)
  const { missing, extra, kills, ownerKills, ...figures } = await trial({
    broker,
    url: server.url,
    ...(values.store && { storeUrl: storeServer.url }),
    seconds,
    random: seedrandom(values.seed),
    // This configuration has no paths to the sources, so the replicas run the built packages.
    env: { TSX_TSCONFIG_PATH: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)) },
  })
  console.log(`${figures.ticks} ticks, ${missing.length} missing, ${extra} ran once more`)
  console.log(`${kills} replicas killed, ${ownerKills} of them owners of the schedule`)
  console.log(`ticks were late by ${figures.lateP50Ms} ms in the median and ${figures.lateMaxMs} ms at most`)
  for (const id of missing) console.log(`✖ ${id} never ran`)
  const allowed = values.store ? 0 : ownerKills
  if (extra > allowed) console.log(`✖ at most ${allowed} may run once more`)
  process.exitCode = missing.length > 0 || extra > allowed ? 1 : 0
} finally {
  await Promise.all([...new Set([server, storeServer])].map((started) => started.stop()))
}
process.exit()
