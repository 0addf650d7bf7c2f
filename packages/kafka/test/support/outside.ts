import type { GroupRef } from '@mq/core'
import { type KafkaServer, until } from '@mq/test-brokers'
import kafkajs, {
  type Admin,
  type ITopicConfig,
  Kafka,
  type KafkaConfig,
  logLevel,
  type Message,
  type Producer,
} from 'kafkajs'

/** Node finds these names only in the whole module. */
const { CompressionCodecs, CompressionTypes } = kafkajs

export type KafkaAddress = Pick<KafkaServer, 'brokers' | 'sasl' | 'ca'>

/** Makes a client that does not know @mq. It tries a request again for so many times, with longer and longer pauses. */
export function outsideClient({ brokers, sasl, ca }: KafkaAddress, { retries = 8 } = {}): Kafka {
  return new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5_000,
    retry: { retries },
    ...(ca !== undefined && { ssl: { ca: [ca] } }),
    ...(sasl !== undefined && { sasl: sasl as NonNullable<KafkaConfig['sasl']> }),
  })
}

export async function withAdmin<T>(
  server: KafkaAddress,
  work: (admin: Admin) => Promise<T>,
  options: { readonly retries?: number } = {},
): Promise<T> {
  const admin = outsideClient(server, options).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

export async function withProducer<T>(server: KafkaAddress, work: (producer: Producer) => Promise<T>): Promise<T> {
  const producer = outsideClient(server).producer({ allowAutoTopicCreation: false })
  await producer.connect()
  try {
    return await work(producer)
  } finally {
    await producer.disconnect()
  }
}

/** Resolves once the topics can be used. kafkajs's own wait fails if the broker has not heard of a new topic yet. */
export async function createTopics(server: KafkaAddress, topics: ITopicConfig[]): Promise<void> {
  const names = topics.map(({ topic }) => topic)
  await withAdmin(server, (admin) => admin.createTopics({ waitForLeaders: false, topics }))
  const look = async (admin: Admin): Promise<void> => {
    const areThere = () =>
      admin.fetchTopicMetadata({ topics: names }).then(
        (metadata) => metadata.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0)),
        () => false,
      )
    await until(areThere, { what: `the topics ${names.join(', ')}` })
  }
  // The pauses of the client would let most of the time pass without a look.
  await withAdmin(server, look, { retries: 0 })
}

/** Returns the names of all topics and groups. */
export async function namesAt(server: KafkaAddress): Promise<readonly string[]> {
  return withAdmin(server, async (admin) => {
    const [topics, { groups }] = await Promise.all([admin.listTopics(), admin.listGroups()])
    return [...topics.map((topic) => `topic ${topic}`), ...groups.map(({ groupId }) => `group ${groupId}`)]
  })
}

/** Deletes the topics of a group, as an operator would who clears up at the broker. */
export async function destroy(server: KafkaAddress, { topic, group }: GroupRef): Promise<void> {
  await withAdmin(server, async (admin) => {
    const there = await admin.listTopics()
    const own = [topic, `${topic}---delay`, `${topic}--${group}---retry`, `${topic}--${group}---dead`]
    await admin.deleteTopics({ topics: own.filter((name) => there.includes(name)) })
  })
}

export async function publishForeign(server: KafkaAddress, topic: string, body: Uint8Array): Promise<void> {
  await withProducer(server, (producer) => producer.send({ topic, messages: [{ value: Buffer.from(body) }] }))
}

/** Creates topics as another program does. */
export async function createForeign(server: KafkaAddress, name: string): Promise<readonly string[]> {
  const topics = [name, `${name}..Any_legal-Name_`]
  await createTopics(
    server,
    topics.map((topic) => ({ topic, numPartitions: 2 })),
  )
  return topics
}

/** Returns the sum of the offsets that a group has committed of a topic. */
export async function committedOffsets(server: KafkaAddress, { topic, group }: GroupRef): Promise<number> {
  const groupId = `${topic}--${group}`
  const [of] = await withAdmin(server, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }))
  return (of?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
}

/** Publishes one batch in a compression whose codec kafkajs does not have. */
export async function publishWithSnappy(
  server: KafkaAddress,
  topic: string,
  messages: readonly Message[],
): Promise<void> {
  const missing = CompressionCodecs[CompressionTypes.Snappy]
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async ({ buffer }: { buffer: Uint8Array }) => snappyLiteral(buffer),
    // A reader in this process must not have the codec either.
    decompress: async () => missing(),
  })
  try {
    await withProducer(server, (producer) =>
      producer.send({ topic, compression: CompressionTypes.Snappy, messages: [...messages] }),
    )
  } finally {
    CompressionCodecs[CompressionTypes.Snappy] = missing
  }
}

/** Snappy's format without any compression: the length, then the bytes as literals. */
function snappyLiteral(data: Uint8Array): Buffer {
  const length: number[] = []
  for (let left = data.length; ; left >>>= 7) {
    if (left < 0x80) {
      length.push(left)
      break
    }
    length.push((left & 0x7f) | 0x80)
  }
  const parts: Uint8Array[] = [Buffer.from(length)]
  for (let at = 0; at < data.length; at += 60) {
    const literal = data.subarray(at, at + 60)
    parts.push(Buffer.from([(literal.length - 1) << 2]), literal)
  }
  return Buffer.concat(parts)
}

/** Reads what `publishWithSnappy` has written. */
function readSnappyLiterals(data: Buffer): Buffer {
  const parts: Buffer[] = []
  let at = 0
  while ((data[at++] ?? 0) >= 0x80);
  while (at < data.length) {
    const length = ((data[at] ?? 0) >> 2) + 1
    parts.push(data.subarray(at + 1, at + 1 + length))
    at += 1 + length
  }
  return Buffer.concat(parts)
}

/** Lets this process read what `publishWithSnappy` has written. Returns what takes the codec away again. */
export function installSnappy(): () => void {
  const missing = CompressionCodecs[CompressionTypes.Snappy]
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async ({ buffer }: { buffer: Uint8Array }) => snappyLiteral(buffer),
    decompress: async (data: Buffer) => readSnappyLiterals(data),
  })
  return () => {
    CompressionCodecs[CompressionTypes.Snappy] = missing
  }
}
