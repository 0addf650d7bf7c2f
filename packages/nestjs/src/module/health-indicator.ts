import type { Queue, QueueHealth } from '@mq/core'
import type { ModuleRef } from '@nestjs/core'
import { getQueueToken } from '../tokens.js'

/** The report of the indicator about a queue. */
export interface MqHealth extends Pick<QueueHealth, 'state' | 'consumers'> {
  readonly status: 'up' | 'down'
  /** The status of `health()`: `degraded` counts as up, because a restart repairs no broker. */
  readonly health: QueueHealth['status']
}

/**
 * Reports the health of a queue to `@nestjs/terminus`: `health.check([() => mq.isHealthy('queue')])`. It asks the broker nothing. Inject
 * it by its class.
 */
export class MqHealthIndicator {
  readonly #moduleRef: ModuleRef

  constructor(moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef
  }

  /**
   * Returns the health of a queue under a key. It is down before the queue is connected, without a connection, and from the shutdown on.
   * Default of `queue`: the module without a name.
   */
  isHealthy<Key extends string>(
    key: Key,
    options: { readonly queue?: string | undefined } = {},
  ): Record<Key, MqHealth> {
    const queue = this.#moduleRef.get<Queue>(getQueueToken(options.queue), { strict: false })
    const { status, state, consumers } = queue.health()
    const health: MqHealth = { status: status === 'down' ? 'down' : 'up', health: status, state, consumers }
    return { [key]: health } as Record<Key, MqHealth>
  }
}
