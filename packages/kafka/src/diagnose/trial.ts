import type { Finding } from '@mq/core/adapter'
import type { Admin, Kafka } from 'kafkajs'
import type { Settings } from '../options.js'
import { before, rights } from './pages.js'
import { isRefusal } from './refusal.js'

const maxClockMs = 2_000

interface Trial {
  readonly client: Kafka
  readonly admin: Admin
  readonly settings: Settings
  readonly name: string
}

/** Creates a topic, writes to it and deletes it, as the adapter does with others. The broker's time is that of the record. */
export async function tryTopic({ client, admin, settings, name }: Trial): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const attempt = async <T>(right: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!isRefusal(error)) throw error
      findings.push(missingRight(right, settings))
      return undefined
    }
  }
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
  const isCreated = await attempt('Create', () =>
    admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: name, numPartitions: 1, replicationFactor: settings.replicationFactor, configEntries }],
    }),
  )
  if (isCreated === undefined) return findings
  const clock = await attempt('Write', () => clockFinding(client, name))
  await attempt('Delete', () => admin.deleteTopics({ topics: [name] }))
  return [...findings, ...(clock ?? [])]
}

const missingRight = (right: string, { prefix }: Settings): Finding => ({
  code: `kafka.rights.${right.toLowerCase()}`,
  severity: 'error',
  problem: `The user lacks the right ${right} on topics${prefix === undefined ? '' : ` that begin with ${prefix}--`}.`,
  advice: 'Add the ACLs that the README lists.',
  docs: rights,
})

async function clockFinding(client: Kafka, topic: string): Promise<readonly Finding[]> {
  const producer = client.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  try {
    const sentAt = Date.now()
    const [stored] = await producer.send({ topic, acks: -1, messages: [{ value: 'doctor' }] })
    const answeredAt = Date.now()
    const there = Number(stored?.logAppendTime ?? -1)
    if (there < 0) return []
    const apartMs = Math.max(sentAt - there, there - answeredAt)
    if (apartMs <= maxClockMs) return []
    return [
      {
        code: 'kafka.clock',
        severity: 'error',
        problem: `The clocks of the broker and of this machine are ${Math.round(apartMs / 1_000)} s apart.`,
        advice: 'Synchronise both by NTP: a consumer whose clock is ahead runs delayed messages early.',
        docs: before,
      },
    ]
  } finally {
    await producer.disconnect()
  }
}
