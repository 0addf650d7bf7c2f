import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { createQueue, type Queue, type QueueOptions } from '@mq/core'
import { onTestFinished } from 'vitest'
import { memory } from '../../../memory/src/index.js'
import { runCommand } from '../../src/index.js'
import type { Output } from '../../src/run.js'
import type { Ended } from './mq.js'

/** Gathers what a command writes. */
function gathered(): Output & { readonly text: () => string } {
  let text = ''
  return {
    write(more) {
      text += more
      return true
    },
    once: () => undefined,
    off: () => undefined,
    text: () => text,
  }
}

export interface InProcess {
  readonly queue: Queue
  /** Runs the command on the broker of the queue. */
  readonly mq: (
    args: readonly string[],
    options?: {
      readonly stdin?: string
      readonly signal?: AbortSignal
      readonly env?: Readonly<Record<string, string>>
      /** Answers the question on a terminal. */
      readonly answer?: string
    },
  ) => Promise<Ended>
  /** Runs a command that has to end with exit code 0, and returns what it printed as JSON. */
  readonly json: <Value = never>(args: readonly string[]) => Promise<Value>
}

const write = (): void => {}
const log = { debug: write, info: write, warn: write, error: write }

/** Opens a queue in memory, and runs the command in this process on the same broker. */
export async function inProcess(options: QueueOptions = {}): Promise<InProcess> {
  const url = `memory://cli-${randomUUID().slice(0, 8)}`
  const queue = createQueue(memory({ url }), { group: 'mailer', retry: false, log, ...options })
  onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
  await queue.connect()

  const mq: InProcess['mq'] = async (args, { stdin = '', signal, env = {}, answer } = {}) => {
    const [stdout, stderr] = [gathered(), gathered()]
    const input = Readable.from([Buffer.from(answer ?? stdin)])
    const code = await runCommand(args, {
      adapters: [memory],
      env: { MQ_URL: url, USER: 'ada', ...env },
      stdin: answer === undefined ? input : Object.assign(input, { isTTY: true }),
      stdout,
      stderr,
      ...(signal && { signal }),
    })
    return { code, stdout: stdout.text(), stderr: stderr.text() }
  }
  return {
    queue,
    mq,
    async json(args) {
      const { code, stdout, stderr } = await mq([...args, '--json'])
      if (code !== 0) throw new Error(`mq ${args.join(' ')} ended with ${code}: ${stderr}`)
      return JSON.parse(stdout)
    },
  }
}
