// Publishes and consumes over a link with faults. Must be started with --expose-gc.
import { setTimeout as sleep } from 'node:timers/promises'
import { isMqError, type Message, openQueue, Unrecoverable } from '@mq/core'
import { type Sighting, sightingOf } from '@mq/fuzz'
import { onMessage, report } from '@mq/test-brokers'
import { dataOf, delayMs, fateOf, group, idOf, type Job, numberOf, type Order, type Said, topicOf } from './plan.js'

const job = JSON.parse(process.argv[2] ?? '{}') as Job
const tickMs = 100
const sampleMs = 50
const closeMs = 5_000
/** A handler holds a foreign message for so long, so that several are in memory at a time. */
const holdMs = 20

const nothing = () => ({
  stored: [] as number[],
  unknown: [] as number[],
  ran: [] as number[],
  foreign: [] as Sighting[],
})
let said = nothing()
let next = 0
let peakBytes = 0
/** A consumer that publishes nothing may be killed at any time, so it reports a message before it acknowledges it. */
const mayBeKilled = job.perSecond === 0
let isQuiet = mayBeKilled

const tell = (fields: Said): Promise<void> => report(fields)

const queue = await openQueue(job.url, { group, publishTimeoutMs: 30_000, maxPendingMessages: 5_000 })
queue.on('state', ({ state }) => void tell({ state }))
queue.on('data-loss', ({ reason }) => void tell({ loss: reason }))
// Errors while the link is cut are expected, and would fill the screen.
queue.on('error', () => {})

const retry = { attempts: 20, backoff: 'fixed', delayMs: 500, jitter: 'none' } as const
for (const topic of job.topics) await queue.subscribe(topic, handle, { concurrency: job.concurrency, retry })

async function handle(message: Message): Promise<void> {
  const number = numberOf(message.data)
  if (number === undefined) return await see(message)
  const fate = fateOf(number)
  if (fate === 'retried' && message.attempt === 1) throw new Error('once')
  if (mayBeKilled) await tell({ ran: [number] })
  else said.ran.push(number)
  if (fate === 'dead') throw new Unrecoverable('as planned')
}

async function see(message: Message): Promise<void> {
  const sighting = sightingOf(message)
  if (mayBeKilled) await tell({ foreign: [sighting] })
  else said.foreign.push(sighting)
  await sleep(holdMs)
}

async function publish(number: number): Promise<void> {
  try {
    const isDelayed = fateOf(number) === 'delayed'
    const options = { id: idOf(number), ...(isDelayed && { delayMs }) }
    await queue.publish(topicOf(number, job.topics), dataOf(number), options)
    said.stored.push(number)
  } catch (error) {
    if (isMqError(error, 'MQ_PUBLISH_UNKNOWN')) said.unknown.push(number)
    else if (!isMqError(error, 'MQ_PUBLISH_REJECTED') && !isMqError(error, 'MQ_BACKPRESSURE')) {
      await tell({ problem: `a publish rejected with ${String(error)}` })
    }
  }
}

function publishSome(): void {
  if (isQuiet) return
  for (let count = 0; count < (job.perSecond * tickMs) / 1_000; count++) void publish(next++)
}

async function flush(): Promise<void> {
  const batch = said
  said = nothing()
  const residentMiB = Math.round(peakBytes / 2 ** 20)
  peakBytes = 0
  await tell({ ...batch, residentMiB })
}

function illness(): string | undefined {
  const { status, consumers, lastError } = queue.health()
  const waiting = consumers.filter((one) => one.status !== 'consuming').map((one) => `${one.topic} ${one.status}`)
  if (status === 'up' && waiting.length === 0) return undefined
  return [status, ...waiting, lastError?.message].filter((text) => text !== undefined).join(', ')
}

/** The fewest sockets since the order `quiet`. Connections that are open for the load close some seconds after it. */
let fewestSockets = Number.POSITIVE_INFINITY

const socketsNow = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

/** Disconnects, and waits for the last socket to close. What is open after that has been forgotten. */
async function leave(): Promise<void> {
  await queue.disconnect()
  const until = Date.now() + closeMs
  while (socketsNow() > 0 && Date.now() < until) await sleep(sampleMs)
  fewestSockets = socketsNow()
}

async function measure(): Promise<void> {
  ;(globalThis as { gc?: () => void }).gc?.()
  const sockets = Math.min(fewestSockets, socketsNow())
  const ill = illness()
  const heapMiB = process.memoryUsage().heapUsed / 2 ** 20
  await tell({ figures: { heapMiB, sockets, ...(ill !== undefined && { illness: ill }) } })
}

setInterval(publishSome, tickMs)
setInterval(() => void flush(), tickMs)
setInterval(() => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
  if (isQuiet) fewestSockets = Math.min(fewestSockets, socketsNow())
}, sampleMs)

onMessage(async (message) => {
  const order = message as Order
  if (order === 'quiet') {
    isQuiet = true
    fewestSockets = socketsNow()
  } else if (order === 'go on') {
    isQuiet = false
    fewestSockets = Number.POSITIVE_INFINITY
  } else {
    if (order === 'leave') await leave()
    await measure()
  }
})
await tell({ state: 'ready', residentMiB: Math.round(process.memoryUsage.rss() / 2 ** 20) })
