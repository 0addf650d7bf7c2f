import { inspect } from 'node:util'
import type { Log, LogFields, Message, Queue, TaskProgress } from '@mq/core'
import { type Sight, type Sighting, sightingOf } from './sight.js'

const maxTexts = 500
const sampleMs = 50

/** As much of a value as an application may print of it. */
const printed = (value: unknown): string =>
  inspect(value, { depth: 8, showHidden: true, maxStringLength: 4_000, maxArrayLength: 50 })

/** Writes down what happens in a subject. */
export function createWitness(secrets: readonly string[]) {
  let canaries: Record<string, number[]> = {}
  let sightings: Sighting[] = []
  let errors: string[] = []
  let logs: string[] = []
  let eventCount = 0
  const uncaught: string[] = []
  let leaks: string[] = []
  let steps: { fraction: number; noteLength: number; attempt: number }[] = []
  const results: Record<string, string> = {}
  let ticks = 0
  let instance = ''
  let runningTask = ''
  let rssBytes = 0
  const startedAt = performance.now()

  const sample = (): void => {
    rssBytes = Math.max(rssBytes, process.memoryUsage.rss())
  }
  const sampling = setInterval(sample, sampleMs)
  sampling.unref()
  const keep = (list: string[], text: string): void => {
    if (list.length < maxTexts) list.push(text)
  }
  const lookForSecrets = (value: unknown): void => {
    if (secrets.length === 0) return
    const text = printed(value)
    for (const secret of secrets) {
      const at = text.indexOf(secret)
      if (at >= 0) keep(leaks, text.slice(Math.max(0, at - 150), at + 50))
    }
  }
  const took = (kind: string) => (error: unknown) =>
    keep(uncaught, `${kind}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  const onRejection = took('unhandledRejection')
  const onException = took('uncaughtException')
  process.on('unhandledRejection', onRejection)
  process.on('uncaughtException', onException)

  const line =
    (level: string) =>
    (message: string, fields?: LogFields): void => {
      const error = fields?.error
      lookForSecrets([message, fields])
      keep(logs, `${level}: ${message}${error instanceof Error ? ` (${error.message})` : ''}`)
    }
  const log: Log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }

  return {
    log,
    listen(queue: Queue): void {
      queue.on('error', (event) => {
        const { error, topic = '' } = event
        eventCount += 1
        lookForSecrets(event)
        for (const text of textsOf(error)) keep(errors, `error ${topic}: ${text}`)
      })
      queue.on('data-loss', ({ reason, topic }) => {
        eventCount += 1
        keep(errors, `data-loss ${topic}: ${reason}`)
      })
      queue.on('settled', lookForSecrets)
      queue.on('state', (event) => {
        const { state, error } = event
        lookForSecrets(event)
        if (error !== undefined) for (const text of textsOf(error)) keep(errors, `state ${state}: ${text}`)
      })
      queue.use({
        async handle(message, _context, next) {
          const replyTo = message.extensions.taskreplyto
          if (replyTo !== undefined && /^[0-9a-f-]{36}$/.test(replyTo)) instance = replyTo
          await next()
        },
      })
    },
    ran(topic: string, id: string, attempt: number): void {
      const name = `${topic} ${id}`
      canaries[name] = [...(canaries[name] ?? []), attempt]
    },
    saw: (message: Message): void => void sightings.push(sightingOf(message)),
    running: (id: string): void => {
      runningTask = id
    },
    step({ fraction, note = '', attempt }: TaskProgress): void {
      steps.push({ fraction, noteLength: note.length, attempt })
    },
    result: (name: string, text: string): void => {
      results[name] = text
    },
    ticked: (): void => {
      ticks += 1
    },
    /** Runs, texts and events are told once; the rest goes on. */
    look(queue: Queue): Sight {
      sample()
      const health = queue.health()
      const { status, consumers, lastError } = health
      lookForSecrets(health)
      const cpu = process.cpuUsage()
      const sight: Sight = {
        canaries,
        sightings,
        errors,
        logs,
        eventCount,
        uncaught: uncaught.splice(0),
        leaks,
        health: {
          status,
          consumers: consumers.map((one) => `${one.topic} ${one.status}`),
          ...(lastError !== undefined && { lastError: lastError.message }),
        },
        rssBytes,
        cpuMs: (cpu.user + cpu.system) / 1_000,
        elapsedMs: performance.now() - startedAt,
        steps,
        results: { ...results },
        ticks,
        instance,
        runningTask,
      }
      canaries = {}
      sightings = []
      errors = []
      logs = []
      leaks = []
      steps = []
      eventCount = 0
      rssBytes = 0
      return sight
    },
    reset(): void {
      canaries = {}
      sightings = []
      runningTask = ''
    },
    close(): void {
      clearInterval(sampling)
      process.off('unhandledRejection', onRejection)
      process.off('uncaughtException', onException)
    },
  }
}

/** Of an error and all its causes. */
function textsOf(error: unknown): readonly string[] {
  const texts: string[] = []
  for (let at = error; at instanceof Error && texts.length < 8; at = at.cause) texts.push(at.message)
  return texts
}
