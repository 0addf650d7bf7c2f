import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { fences } from '../../scripts/lib/markdown.mjs'

export type Broker = 'rabbitmq' | 'redis' | 'kafka'

/** A message for a client to write. Bodies are base64. */
export interface Written {
  readonly attributes?: Readonly<Record<string, string>>
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly key?: string
  readonly body: string
  /** Attributes of an event that the CloudEvents SDK for Python puts on the wire. */
  readonly sdk?: Readonly<Record<string, string>>
  /** RabbitMQ only: the time as AMQP's own type. */
  readonly nativeTime?: string
}

/** A message as a client read it. */
export interface Found {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, unknown>>
  readonly contentType: string | null
  readonly body: string
  readonly messageId?: string
  readonly timestamp?: number
  readonly key?: string | null
  readonly partition?: number
  readonly sdk?: { readonly attributes: Readonly<Record<string, unknown>>; readonly data: unknown }
}

export const base64 = (data: string | Uint8Array): string => Buffer.from(data).toString('base64')

function python(args: readonly string[]) {
  const program = process.env.MQ_INTEROP_PYTHON
  if (program === undefined) throw new Error('These tests need Python packages: run pnpm test:interop')
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' }
  const child = spawn(program, args, { cwd: import.meta.dirname, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`python ${args.join(' ')} ended with ${code}:\n${errors}`)),
    )
  })
  ended.catch(() => {})
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, ended }
}

const client = (broker: Broker): string => `clients/${broker}_client.py`

interface Place {
  readonly broker: Broker
  readonly url: string
  readonly topic: string
}

export async function writeInPython({ broker, url, topic }: Place, messages: readonly Written[]): Promise<void> {
  const { child, ended } = python([client(broker), 'publish', url, topic])
  child.stdin.end(JSON.stringify(messages))
  await ended
}

/** Runs one of the programs in `clients`. */
export const runClient = (file: string, args: readonly string[]) => python([`clients/${file}`, ...args])

/** Starts a reader. Resolves once it gets messages that are published from then on; `messages` resolves to `count` of them. */
export async function readInPython({ broker, url, topic }: Place, count: number) {
  const { child, ended } = python([client(broker), 'read', url, topic, String(count)])
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (!done) return value
    await ended
    throw new Error('The reader ended too early')
  }
  await next()
  return {
    async messages(): Promise<readonly Found[]> {
      const found: Found[] = []
      while (found.length < count) found.push(JSON.parse(await next()))
      return found
    },
  }
}

/** Runs a Python block of an adapter's README with another server. `line` resolves to the next line of its output. */
export function runExample({ broker, url }: Omit<Place, 'topic'>, which: 'publish' | 'read') {
  const page = readFileSync(new URL(`../../packages/${broker}/README.md`, import.meta.url), 'utf8')
  const blocks = fences(page).filter(({ language }) => language === 'python')
  const text = blocks[which === 'publish' ? 0 : 1]?.text
  if (text === undefined) throw new Error(`The README of ${broker} does not show how to ${which} in Python`)
  const { child, ended } = python(['-u', '-c', withServer(text, { broker, url })])
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { ended, line: async () => (await lines.next()).value as string | undefined }
}

function withServer(text: string, { broker, url }: Omit<Place, 'topic'>): string {
  const shown = {
    rabbitmq: 'amqp://guest:guest@localhost:5672',
    redis: 'redis://localhost:6379',
    kafka: 'localhost:9092',
  }[broker]
  if (!text.includes(shown)) throw new Error(`The example does not name ${shown}`)
  return text.replaceAll(shown, url.replace('kafka://', ''))
}
