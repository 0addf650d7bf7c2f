import type { PublishBatch } from '@mq/core'
import { type Context, type Span, type SpanContext, SpanKind, type Tracer, trace } from '@opentelemetry/api'
import { markRejected } from './failures.js'
import { attributes } from './names.js'

/** The span of a `publishAll`, as its messages see it. */
export interface BatchSpans {
  /** The context in which the list is sent. */
  readonly context: Context
  /** Links the span of a message. */
  add(message: SpanContext): void
  fail(error: unknown): void
  /** Called at the end of each message. The last one ends the span. */
  leave(): void
}

/**
 * Creates the spans of lists of messages, one `send` for each list. A message ends only after the whole list has its outcomes, so a list
 * is over when as many messages have left as have entered.
 */
export function createBatchSpans(system: string) {
  const open = new WeakMap<PublishBatch, BatchSpans & { enter(): void }>()

  function start(tracer: Tracer, { count }: PublishBatch, { topic, parent }: Origin): BatchSpans & { enter(): void } {
    const span: Span = tracer.startSpan(
      `send ${topic}`,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          [attributes.system]: system,
          [attributes.operationName]: 'send',
          [attributes.operationType]: 'send',
          [attributes.destination]: topic,
          [attributes.batchCount]: count,
        },
      },
      parent,
    )
    let inside = 0
    return {
      context: trace.setSpan(parent, span),
      add: (message) => void span.addLink({ context: message }),
      fail: (error) => markRejected(span, error),
      enter: () => void inside++,
      leave() {
        inside -= 1
        if (inside === 0) span.end()
      },
    }
  }

  return {
    enter(tracer: Tracer, batch: PublishBatch, origin: Origin): BatchSpans {
      const list = open.get(batch) ?? start(tracer, batch, origin)
      open.set(batch, list)
      list.enter()
      return list
    },
  }
}

interface Origin {
  readonly topic: string
  readonly parent: Context
}
