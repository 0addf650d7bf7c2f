import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '../run/lock.js'
import { self } from '../run/process.js'
import { onFreePorts } from '../sources/ports.js'
import { run, say } from './find.js'

/** Options of Java with which a broker starts soonest. An archive fits only those with which it was made. */
export const quickJava: readonly string[] = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto']

const startMs = 60_000

interface ArchiveParts {
  readonly java: string
  /** The output of `java --version`. */
  readonly javaVersion: string
  readonly jars: string
}

/**
 * Returns a class data archive of Kafka, with which each start takes two thirds of the processor time. A broker that starts and ends makes it,
 * once for this Java. Returns undefined if that fails, as Kafka works without.
 */
export async function kafkaArchive({ java, javaVersion, jars }: ArchiveParts): Promise<string | undefined> {
  const hash = createHash('sha256').update(`${java} ${javaVersion}`).digest('hex').slice(0, 12)
  const file = `${jars}.${hash}.jsa`
  const failed = `${file}.failed`
  await withLock(
    `${file}.lock`,
    { what: 'another process to archive the classes of Kafka', timeoutMs: 180_000 },
    async () => {
      if (existsSync(file) || existsSync(failed)) return
      await make({ java, jars, file }).catch((error) => {
        say(`Kafka starts without a class data archive: ${(error as Error).message}`)
        writeFileSync(failed, '')
      })
    },
  )
  return existsSync(file) ? file : undefined
}

async function make({ java, jars, file }: { java: string; jars: string; file: string }): Promise<void> {
  const folder = mkdtempSync(`${file}.part.`)
  const env = { ...process.env, CLASSPATH: `${jars}/*` }
  try {
    await onFreePorts(2, self, async ([client, controller]) => {
      writeFileSync(join(folder, 'server.properties'), properties(folder, Number(client), Number(controller)))
      const format = ['kafka.tools.StorageTool', 'format', '-t', 'bXEtdGVzdC1icm9rZXJzIQ', '-c', 'server.properties']
      await run(java, [...quickJava, ...format], { cwd: folder, env })
      const args = [...quickJava, '-XX:ArchiveClassesAtExit=kafka.jsa', '-Xmx320m', 'kafka.Kafka', 'server.properties']
      await untilEnded(spawn(java, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }))
    })
    renameSync(join(folder, 'kafka.jsa'), file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Asks the broker to end once it has started, and resolves when it has. */
async function untilEnded(broker: ChildProcess): Promise<void> {
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => broker.kill('SIGKILL'), startMs)
    const read = (chunk: Buffer): void => {
      output += chunk
      if (output.includes('Kafka Server started')) broker.kill('SIGTERM')
    }
    broker.stdout?.on('data', read)
    broker.stderr?.on('data', read)
    broker.once('error', reject)
    broker.once('close', () => {
      clearTimeout(late)
      if (output.includes('Kafka Server started')) resolve()
      else reject(new Error(`it did not start: ${output.slice(-500)}`))
    })
  })
}

const properties = (folder: string, client: number, controller: number): string =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': 1,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
