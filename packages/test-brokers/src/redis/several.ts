import type { ProcessId } from '../run/process.js'
import { until } from '../run/wait.js'
import type { Server } from '../server.js'
import { ask } from '../sources/ask.js'
import { recordScript, startBeside } from '../sources/beside.js'
import { chooseSource } from '../sources/choose.js'
import type { Machine, Recipe } from '../sources/machine.js'
import { runRecipe } from '../sources/run.js'
import { nativeRedis, redisPath, redisProgram } from './programs.js'
import { redisImage } from './recipe.js'

/** One of several Redis processes that start and end together. */
export interface RedisProcess {
  readonly name: string
  readonly port: number
  /** Lines of its redis.conf in addition to port, address and folder. */
  readonly config: readonly string[]
  readonly isSentinel?: boolean
}

export interface SeveralRedis {
  readonly machine: Machine
  readonly verbs: Pick<Server, 'kill' | 'restart' | 'pause' | 'resume' | 'stop'>
}

/** Starts the processes in one container, or natively, and waits until each answers. */
export async function startSeveral(
  kind: string,
  parts: { readonly processes: readonly RedisProcess[]; readonly ports: readonly number[]; readonly owner: ProcessId },
): Promise<SeveralRedis> {
  const { processes, ports, owner } = parts
  const source = await chooseSource(nativeRedis)
  const recipe: Recipe = {
    kind,
    image: redisImage(),
    ports,
    published: processes.map(({ port }) => port),
    files: ({ source: at, bind }) => {
      const program = at === 'native' ? redisProgram() : 'redis-server'
      const start = ({ name, isSentinel }: RedisProcess): string =>
        `exec '${program}' ./${name}.conf${isSentinel ? ' --sentinel' : ''}\n`
      return {
        'record.sh': recordScript,
        'boot.sh': boot(processes),
        ...Object.fromEntries(processes.map((one) => [`${one.name}.conf`, configuration(one, bind)])),
        ...Object.fromEntries(processes.map((one) => [`${one.name}.sh`, start(one)])),
      }
    },
  }
  return await runRecipe(recipe, {
    source,
    owner,
    answers: ({ place }) => Promise.all(processes.map(({ port }) => pong(place.host, port))),
  })
}

/** Starts the last one as the machine's own process. The others record their ids beside it, and all end together. */
function boot(processes: readonly RedisProcess[]): string {
  const lines = processes.map(({ name }, index) =>
    index === processes.length - 1 ? `exec /bin/sh ./${name}.sh` : startBeside(name),
  )
  return `mkdir -p ${processes.map(({ name }) => name).join(' ')}\n${lines.join('\n')}\n`
}

const configuration = ({ name, port, config, isSentinel }: RedisProcess, bind: string): string =>
  [
    `bind ${bind}`,
    'protected-mode no',
    `port ${port}`,
    'daemonize no',
    `dir ${name}`,
    ...(isSentinel ? [] : ['appendonly yes', 'appendfsync always', 'save ""']),
    ...config,
    '',
  ].join('\n')

export async function pong(host: string, port: number): Promise<void> {
  await ask({ host, port }, { send: 'PING\r\n', read: (reply) => /^\+PONG/.test(reply.toString()) || undefined })
}

/** Runs redis-cli beside the processes until it prints the expected text. */
export async function untilPrinted(machine: Machine, script: string, wanted: RegExp): Promise<void> {
  await until(async () => wanted.test(await machine.run(`${redisPath(machine.place.source)}${script}`, 10_000)), {
    what: `\`${script}\` to print ${wanted}`,
    timeoutMs: 30_000,
  })
}
