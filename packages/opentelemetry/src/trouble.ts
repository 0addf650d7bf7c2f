import type { Queue } from '@mq/core'
import type { Meter } from '@opentelemetry/api'
import { attributes, metricNames } from './names.js'

/** Counts what a queue reports of trouble. It is logged all the same. Returns a function that ends it. */
export function countTrouble(queue: Queue, meter: Meter): () => void {
  const system = { [attributes.system]: queue.type }
  const errors = meter.createCounter(metricNames.errors, { description: 'Errors that no caller gets, by their code.' })
  const lost = meter.createCounter(metricNames.lost, {
    unit: '{message}',
    description: 'Messages that the broker has lost before a group had finished them. 1 if their number is unknown.',
  })
  const blocked = meter.createUpDownCounter(metricNames.blocked, {
    description: '1 while the broker accepts no messages.',
  })
  let isBlocked = false
  const ends = [
    queue.on('error', ({ error }) => errors.add(1, { ...system, [attributes.errorType]: error.code }), beside),
    queue.on(
      'data-loss',
      ({ topic, group, count = 1 }) =>
        lost.add(count, { ...system, [attributes.destination]: topic, [attributes.group]: group }),
      beside,
    ),
    queue.on('blocked', (event) => {
      if (event.blocked !== isBlocked) blocked.add(event.blocked ? 1 : -1, system)
      isBlocked = event.blocked
    }),
  ]
  return () => {
    for (const end of ends) end()
  }
}

const beside = { keepsLog: true }
