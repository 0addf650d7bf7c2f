import { connect, type Socket } from 'node:net'

export interface RawKafka {
  /** Resolves with the offset of the batch; undefined when the broker refuses it. */
  produce(topic: string, partition: number, batch: Buffer): Promise<number | undefined>
  close(): void
}

const answerMs = 15_000
const produceKey = 0
const produceVersion = 7

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export interface RawKafkaOptions {
  readonly host: string
  readonly port: number
  readonly login: { readonly username: string; readonly password: string } | undefined
}

/** The one request that a driver would not send for us: batches as they are, to the only broker that there is. */
export function rawKafka({ host, port, login }: RawKafkaOptions): RawKafka {
  let socket: Socket | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let number = 0

  async function open(): Promise<Socket> {
    const opening = connect({ host, port, noDelay: true })
    await new Promise<void>((resolve, reject) => opening.once('connect', resolve).once('error', reject))
    opening.on('error', () => undefined)
    // A broker that is killed between two requests closes it while nobody waits for an answer.
    opening.once('close', () => {
      if (socket === opening) socket = undefined
    })
    if (login !== undefined) await logIn(opening, login)
    return opening
  }

  /** SaslHandshake and SaslAuthenticate. A wrong password closes the connection. */
  async function logIn(opening: Socket, { username, password }: NonNullable<typeof login>): Promise<void> {
    const token = Buffer.from(`\u0000${username}\u0000${password}`)
    await ask(opening, [int16(17), int16(1)], text('PLAIN'))
    await ask(opening, [int16(36), int16(0)], Buffer.concat([int32(token.length), token]))
  }

  async function ask(to: Socket, api: readonly Buffer[], request: Buffer): Promise<Buffer | undefined> {
    number += 1
    const body = Buffer.concat([...api, int32(number), text('fuzz'), request])
    to.write(Buffer.concat([int32(body.length), body]))
    return await nextAnswer(to)
  }

  async function produceNow(topic: string, partition: number, batch: Buffer): Promise<number | undefined> {
    socket ??= await open()
    const used = socket
    const request = Buffer.concat([
      int16(-1),
      int16(-1),
      int32(answerMs),
      int32(1),
      text(topic),
      int32(1),
      int32(partition),
      int32(batch.length),
      batch,
    ])
    const answer = await ask(used, [int16(produceKey), int16(produceVersion)], request).catch((error) => {
      used.destroy()
      throw error
    })
    if (answer === undefined) return undefined
    // Correlation, one topic with its name, one partition with its number; then the error and the offset.
    const at = 4 + 4 + 2 + Buffer.byteLength(topic) + 4 + 4
    return answer.readInt16BE(at) === 0 ? Number(answer.readBigInt64BE(at + 2)) : undefined
  }

  return {
    produce(topic, partition, batch) {
      const produced = turn.then(() => produceNow(topic, partition, batch))
      turn = produced.catch(() => undefined)
      return produced
    },
    close: () => void socket?.destroy(),
  }
}

/** Undefined when the broker closes the connection instead. */
function nextAnswer(socket: Socket): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    let pending = Buffer.alloc(0)
    const end = (): void => {
      clearTimeout(timer)
      socket.off('data', take).off('close', closed)
    }
    const timer = setTimeout(() => {
      end()
      reject(new Error(`Kafka gave no answer in ${answerMs} ms`))
    }, answerMs)
    const closed = (): void => {
      end()
      resolve(undefined)
    }
    const take = (bytes: Buffer): void => {
      pending = Buffer.concat([pending, bytes])
      if (pending.length < 4 || pending.length < 4 + pending.readInt32BE(0)) return
      end()
      resolve(pending.subarray(4, 4 + pending.readInt32BE(0)))
    }
    socket.on('data', take).once('close', closed)
  })
}
