import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { GroupRef, StartFrom } from '@mq/core'
import type { ConsumeOptions, Consumer, Delivery, OutgoingMessage, Settlement, StopOptions } from '@mq/core/adapter'
import { memory } from '@mq/memory'
import { onTestFinished } from 'vitest'
import { decode, encode } from './wire.js'

type Frame =
  | { readonly call: number; readonly method: string; readonly args: readonly never[] }
  | { readonly settle: number; readonly settlement: Settlement }

/** Starts an embedded broker that other processes use over TCP, through adapter.js. */
export async function startRemoteBroker() {
  const adapter = memory()
  await adapter.connect()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    serve(socket)
  })

  function serve(socket: Socket): void {
    const unsettled = new Map<number, (settlement: Settlement) => void>()
    const consumers = new Map<string, Consumer>()
    let last = 0
    const send = (frame: object): void => void socket.write(`${encode(frame)}\n`)
    const methods: Record<string, (...args: never[]) => Promise<unknown>> = {
      publish: (topic: string, messages: readonly OutgoingMessage[]) =>
        adapter.publish(topic, messages, { timeoutMs: 1_000, signal: new AbortController().signal }),
      declareGroup: (ref: GroupRef, options: { startFrom: StartFrom }) => adapter.declareGroup(ref, options),
      deleteGroup: (ref: GroupRef) => adapter.deleteGroup(ref),
      async consume(name: string, ref: GroupRef, options: ConsumeOptions) {
        const handle = ({ message, attempt, failure }: Delivery) =>
          new Promise<Settlement>((resolve) => {
            last += 1
            unsettled.set(last, resolve)
            send({ delivery: last, consumer: name, given: { message, attempt, ...(failure && { failure }) } })
          })
        consumers.set(name, await adapter.consume(ref, options, handle))
      },
      stop: async (name: string, options: StopOptions) => consumers.get(name)?.stop(options),
      listDead: (ref: GroupRef, options: { limit: number }) => adapter.deadLetters(ref).list(options),
      stats: (ref: GroupRef) => adapter.stats(ref),
    }
    const lines = createInterface({ input: socket })
    // A process that was killed resets its connection.
    lines.on('error', () => {})
    lines.on('line', async (line) => {
      const frame = decode(line) as Frame
      if ('settle' in frame) {
        unsettled.get(frame.settle)?.(frame.settlement)
        unsettled.delete(frame.settle)
        return
      }
      try {
        send({ call: frame.call, result: await methods[frame.method]?.(...frame.args) })
      } catch (error) {
        send({ call: frame.call, error: (error as Error).message })
      }
    })
    socket.once('close', () => {
      for (const consumer of consumers.values()) void consumer.stop({ timeoutMs: 0 })
    })
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await adapter.disconnect({ timeoutMs: 0 })
  })
  return {
    port: (server.address() as AddressInfo).port,
    /** Counts the processes that are connected. */
    connections: () => sockets.size,
  }
}
