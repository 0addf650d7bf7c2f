import { createQueue, type Log, type LogFields, type Queue, type QueueOptions } from '../../src/index.js'
import { type Behaviour, type FakeAdapter, fakeAdapter } from './fake-adapter.js'

export interface LogLine {
  readonly level: keyof Log
  readonly message: string
  readonly fields: LogFields | undefined
}

export interface RecordingLog extends Log {
  readonly lines: LogLine[]
}

function recordingLog(): RecordingLog {
  const lines: LogLine[] = []
  const write = (level: keyof Log) => (message: string, fields?: LogFields) =>
    void lines.push({ level, message, fields })
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

export interface Opened {
  readonly queue: Queue
  readonly adapter: FakeAdapter
  readonly log: RecordingLog
}

/** An unconnected queue over a fake adapter. */
export function unconnected(behaviour: Behaviour = {}, options: QueueOptions = {}): Opened {
  const adapter = fakeAdapter(behaviour)
  const log = recordingLog()
  return { queue: createQueue(adapter, { log, ...options }), adapter, log }
}

/** A connected queue over a fake adapter. */
export async function connected(behaviour: Behaviour = {}, options: QueueOptions = {}): Promise<Opened> {
  const opened = unconnected(behaviour, options)
  await opened.queue.connect()
  return opened
}

export interface Gate {
  readonly passed: Promise<void>
  open(): void
  fail(error: unknown): void
}

/** A promise that a test settles. */
export function gate(): Gate {
  let open = (): void => {}
  let fail = (_error: unknown): void => {}
  const passed = new Promise<void>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { passed, open: () => open(), fail: (error) => fail(error) }
}

/** Lets everything run that is only waiting for its turn: timers are not among it. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve()
}
