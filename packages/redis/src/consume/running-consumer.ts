import type { AdapterEvent, Consumer, ConsumerHealth } from '@mq/core/adapter'

/** What the adapter keeps of each consumer. */
export interface RunningConsumer extends Consumer {
  health(): ConsumerHealth
}

/** Where consumers tell what nobody waits for. */
export type Report = (event: AdapterEvent) => void
