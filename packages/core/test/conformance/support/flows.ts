import type {
  AdapterEvent,
  ConsumeOptions,
  Consumer,
  Delivery,
  OutgoingMessage,
  Settlement,
  StoreOutcome,
} from '../../../src/adapter.js'
import { until } from '../../../src/conformance/kit/wait.js'
import type { BoundFaults, Environment } from '../../../src/conformance/runner/environment.js'
import { loadSubject, startEnvironment } from '../../../src/conformance/runner/environment.js'
import type { JsonObject, Subject } from '../../../src/conformance/subject.js'
import type { Adapter } from '../../../src/index.js'
import { rawMessage } from '../../support/deliveries.js'
import { faultySubject } from '../subject.js'

export const ref = { topic: 'orders', group: 'g' }

export interface Seen {
  readonly consumer: Consumer
  readonly deliveries: readonly Delivery[]
  readonly ids: readonly string[]
}

/** A broker with its faults and connected adapters. */
export interface Flow {
  readonly faults: BoundFaults
  readonly environment: Environment
  adapter(options?: JsonObject): Promise<Adapter & { readonly events: readonly AdapterEvent[] }>
  close(): Promise<void>
}

export async function startFlow(): Promise<Flow> {
  const environment = await startEnvironment(await loadSubject(faultySubject() as unknown as Subject))
  const open: Adapter[] = []
  return {
    environment,
    faults: environment.faults,
    async adapter(options) {
      const adapter = environment.adapter(options)
      open.push(adapter)
      const events: AdapterEvent[] = []
      adapter.on((event) => events.push(event))
      await adapter.connect()
      return { ...adapter, events }
    },
    async close() {
      await Promise.all(open.map((adapter) => adapter.disconnect({ timeoutMs: 0 })))
      await environment.close()
    },
  }
}

export const call = (timeoutMs = 2_000) => ({ timeoutMs, signal: new AbortController().signal })

export async function publish(
  adapter: Adapter,
  message: Partial<OutgoingMessage> = {},
  timeoutMs?: number,
): Promise<StoreOutcome | undefined> {
  const [outcome] = await adapter.publish(ref.topic, [rawMessage(message)], call(timeoutMs))
  return outcome
}

/** Declares the group and consumes. `settle` settles each delivery. Default: every delivery is acknowledged. */
export async function consume(
  adapter: Adapter,
  settle: (delivery: Delivery) => Settlement | Promise<Settlement> = () => ({ kind: 'done' }),
  options: Partial<ConsumeOptions> = {},
): Promise<Seen> {
  await adapter.declareGroup(ref, { startFrom: 'latest' })
  const deliveries: Delivery[] = []
  const settings = { concurrency: 10, ordered: false, ephemeral: false, ...options }
  const consumer = await adapter.consume(ref, settings, async (delivery) => {
    deliveries.push(delivery)
    return settle(delivery)
  })
  return {
    consumer,
    deliveries,
    get ids() {
      return deliveries.map(({ message }) => message.id)
    },
  }
}

/** Resolves once `count` deliveries were seen. */
export const seen = (one: Seen, count: number): Promise<void> =>
  until(
    () => `${count} deliveries; ${one.deliveries.length} came`,
    () => one.deliveries.length >= count,
    { timeoutMs: 3_000 },
  )

export const never = (): Promise<Settlement> => new Promise(() => {})
