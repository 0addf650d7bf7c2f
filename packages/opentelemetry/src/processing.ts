import type { DeliveredMessage, RunTrace, SettledEvent } from '@mq/core'
import {
  type Attributes,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { failureTypeOf, markFailed } from './failures.js'
import { attributes } from './names.js'
import { extract } from './propagation.js'
import type { Meters, Telemetry } from './providers.js'
import { isBroadcast } from './topics.js'
import { spanContextOf, traceparentOf } from './trace-context.js'

type Next = (run?: RunTrace) => Promise<SettledEvent>

/** Creates the middleware around what becomes of a message: a span for each run, whose parent is the context that came with it. */
export function createProcessing({ tracer: currentTracer, meters, system }: Telemetry) {
  async function traced(tracer: Tracer, delivered: DeliveredMessage, next: Next): Promise<SettledEvent> {
    const { topic, message } = delivered
    // A consumer may have been started inside of a request, whose context is none of this message.
    const parent = extract(message, ROOT_CONTEXT)
    const span = tracer.startSpan(
      `process ${topic}`,
      { kind: SpanKind.CONSUMER, attributes: attributesOf(delivered), links: linksOf(delivered) },
      parent,
    )
    try {
      const place = span.spanContext()
      const run = isSpanContextValid(place) ? { traceparent: traceparentOf(place) } : undefined
      const settled = await context.with(trace.setSpan(parent, span), next, undefined, run)
      markSettled(span, settled)
      return settled
    } finally {
      span.end()
    }
  }

  function attributesOf({ message, attempt, ...ref }: DeliveredMessage): Attributes {
    const { correlationid } = message.extensions
    return {
      ...placeOf(ref),
      [attributes.operationName]: 'process',
      [attributes.operationType]: 'process',
      [attributes.messageId]: message.id,
      ...(correlationid !== undefined && { [attributes.conversationId]: correlationid }),
      [attributes.bodySize]: message.body.byteLength,
      [attributes.attempt]: attempt,
    }
  }

  const placeOf = ({ topic, group, ephemeral }: Pick<DeliveredMessage, 'topic' | 'group' | 'ephemeral'>) => ({
    [attributes.system]: system,
    [attributes.destination]: topic,
    // Each process has another name for the group of an ephemeral subscription.
    ...(!ephemeral && { [attributes.group]: group }),
  })

  function count({ consumed, processDuration }: Meters, delivered: DeliveredMessage, settled: SettledEvent): void {
    const { durationMs, failure, settlement } = settled
    const shared = {
      ...placeOf(delivered),
      [attributes.operationName]: 'process',
      ...(failure !== undefined && { [attributes.errorType]: failureTypeOf(failure) }),
    }
    consumed.add(1, { ...shared, [attributes.settlement]: settlement })
    processDuration.record(durationMs / 1_000, { ...shared, [attributes.operationType]: 'process' })
  }

  async function observe(tracer: Tracer | undefined, delivered: DeliveredMessage, next: Next): Promise<void> {
    const settled = await (tracer === undefined ? next() : traced(tracer, delivered, next))
    if (meters !== undefined) count(meters, delivered, settled)
  }

  return (delivered: DeliveredMessage, next: Next): Promise<void> | undefined => {
    const tracer = currentTracer()
    if (tracer === undefined && meters === undefined) return undefined
    // Without a span of its own it must have no other one's.
    if (isBroadcast(delivered)) return context.with(ROOT_CONTEXT, async () => void (await next()))
    return observe(tracer, delivered, next)
  }
}

/** The run before this one, in whichever process it was. */
function linksOf({ failure }: DeliveredMessage): Link[] {
  const before = spanContextOf(failure?.traceparent)
  if (before === undefined) return []
  const link = failure?.attempts === 0 ? 'before the replay' : 'previous attempt'
  return [{ context: before, attributes: { [attributes.link]: link } }]
}

function markSettled(span: Span, { settlement, delayMs, failure }: SettledEvent): void {
  span.setAttribute(attributes.settlement, settlement)
  if (delayMs !== undefined) span.setAttribute(attributes.retryDelay, delayMs)
  if (failure !== undefined) markFailed(span, failure)
}
