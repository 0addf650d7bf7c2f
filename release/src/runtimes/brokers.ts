import {
  brokers,
  type Kind,
  kafka,
  kinds,
  postgresql,
  rabbitmq,
  redis,
  type Server,
  type ServerKind,
} from '@mq/test-brokers'

export interface StartedBrokers {
  /** The URL of each broker, without those that `MQ_TEST_BROKERS` leaves out. */
  readonly urls: readonly { readonly kind: Kind; readonly url: string }[]
  stop(): Promise<void>
}

const starts: Record<ServerKind, () => Promise<Server>> = { rabbitmq, redis, kafka, postgres: postgresql }

/** Starts all brokers at the same time. If one does not start, stops the others and rejects. */
export async function startBrokers(): Promise<StartedBrokers> {
  const wanted = kinds.filter(brokers.wanted)
  const servers = wanted.filter((kind): kind is ServerKind => kind !== 'memory')
  const started = await Promise.allSettled(servers.map((kind) => starts[kind]()))
  const running = started.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()))
  }
  const failed = started.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    await stop()
    throw failed.reason
  }
  const embedded = wanted.includes('memory') ? [{ kind: 'memory', url: 'memory:' } as const] : []
  return { urls: [...embedded, ...running.map(({ kind, url }) => ({ kind, url }))], stop }
}
