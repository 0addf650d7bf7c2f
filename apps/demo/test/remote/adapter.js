// A stand-in for a broker's adapter. It passes every call to an embedded broker in the process of the test (broker.ts).
// So the application and the worker are two processes with one broker, without any broker installed.
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { memoryStore } from '@mq/memory'
import { decode, encode } from './wire.js'

/** The store of the only worker. */
export const redisStore = () => Object.assign(memoryStore(), { disconnect: async () => {} })

export default function remote({ url }) {
  const { hostname, port, searchParams } = new URL(url)
  const dieAfter = Number(searchParams.get('workerDiesAfter') ?? Number.POSITIVE_INFINITY)
  const calls = new Map()
  const handlers = new Map()
  let socket
  let last = 0
  let deliveries = 0

  const send = (frame) => void socket.write(`${encode(frame)}\n`)
  const call = (method, ...args) =>
    new Promise((resolve, reject) => {
      last += 1
      calls.set(last, { resolve, reject })
      send({ call: last, method, args })
    })
  const receive = (frame) => {
    if ('delivery' in frame) {
      deliveries += 1
      if (deliveries > dieAfter) process.exit(3)
      const delivery = { ...frame.given, signal: new AbortController().signal }
      handlers
        .get(frame.consumer)(delivery)
        .then((settlement) => send({ settle: frame.delivery, settlement }))
      return
    }
    const { resolve, reject } = calls.get(frame.call)
    calls.delete(frame.call)
    if (frame.error === undefined) resolve(frame.result)
    else reject(new Error(frame.error))
  }

  return {
    name: 'stand-in',
    contract: 2,
    capabilities: {
      durable: false,
      retainsUnrouted: true,
      startFromEarliest: true,
      orderedKeys: false,
      countsCrashes: false,
      exactAttempts: true,
      delayResolutionMs: 50,
      maxDelayMs: 1e9,
      maxHandlerMs: Number.POSITIVE_INFINITY,
      maxMessageBytes: 921_600,
      publishDedupeMs: 0,
      embedded: false,
      redeliveryMs: 100,
    },
    async connect() {
      socket = connect(Number(port), hostname)
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      createInterface({ input: socket }).on('line', (line) => receive(decode(line)))
    },
    async disconnect() {
      await new Promise((resolve) => socket.once('close', resolve).end())
    },
    publish: (topic, messages) => call('publish', topic, messages),
    declareGroup: (ref, options) => call('declareGroup', ref, options),
    deleteGroup: (ref) => call('deleteGroup', ref),
    async consume(ref, options, handle) {
      const consumer = `${ref.topic} ${ref.group}`
      handlers.set(consumer, handle)
      await call('consume', consumer, ref, options)
      return { stop: (options) => call('stop', consumer, options) }
    },
    deadLetters: (ref) => ({ list: (options) => call('listDead', ref, options) }),
    stats: (ref) => call('stats', ref),
    health: () => ({ status: 'up', consumers: [] }),
    on: () => () => {},
  }
}
