import type { PublishBatch, PublishRequest, PublishResult } from '@mq/core'
import {
  type Attributes,
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { type BatchSpans, createBatchSpans } from './batch-spans.js'
import { errorTypeOf, markRejected } from './failures.js'
import { attributes } from './names.js'
import { extract, inject } from './propagation.js'
import type { Telemetry } from './providers.js'
import { isOfSchedule } from './topics.js'
import { spanContextOf } from './trace-context.js'

type Next = (request: PublishRequest) => Promise<PublishResult>

/** Creates the middleware around publishing: a span for each message, whose context goes out with it. */
export function createSending({ tracer: currentTracer, meters, system }: Telemetry) {
  const batches = createBatchSpans(system)

  async function traced(tracer: Tracer, request: PublishRequest, next: Next): Promise<PublishResult> {
    const { topic, batch } = request
    const { parent, links } = originOf(request)
    const list = batch === undefined ? undefined : batches.enter(tracer, batch, { topic, parent })
    const operation = list === undefined ? 'send' : 'create'
    const span = tracer.startSpan(
      `${operation} ${topic}`,
      { kind: SpanKind.PRODUCER, attributes: attributesOf(request, operation), links },
      parent,
    )
    list?.add(span.spanContext())
    const own = trace.setSpan(parent, span)
    try {
      const changed = { ...request, ...inject(own, request) }
      return await context.with(list?.context ?? own, next, undefined, changed)
    } catch (error) {
      fail(span, list, error)
      throw error
    } finally {
      span.end()
      list?.leave()
    }
  }

  function attributesOf({ topic, id, data, extensions }: PublishRequest, operation: 'send' | 'create'): Attributes {
    const { correlationid } = extensions
    return {
      [attributes.system]: system,
      [attributes.operationName]: operation,
      [attributes.operationType]: operation,
      [attributes.destination]: topic,
      [attributes.messageId]: id,
      ...(correlationid !== undefined && { [attributes.conversationId]: correlationid }),
      // The size of anything else is not known before it is serialised.
      ...(data instanceof Uint8Array && { [attributes.bodySize]: data.byteLength }),
    }
  }

  /** The batch of which the duration was measured: it is one call. */
  const measured = new WeakSet<PublishBatch>()

  async function counted(request: PublishRequest, publish: () => Promise<PublishResult>): Promise<PublishResult> {
    if (meters === undefined) return await publish()
    const startedAt = performance.now()
    const shared = {
      [attributes.system]: system,
      [attributes.operationName]: 'send',
      [attributes.destination]: request.topic,
    }
    const end = (outcome: Attributes): void => {
      meters.sent.add(1, { ...shared, ...outcome })
      if (request.batch !== undefined && measured.has(request.batch)) return
      if (request.batch !== undefined) measured.add(request.batch)
      const seconds = (performance.now() - startedAt) / 1_000
      meters.operationDuration.record(seconds, { ...shared, [attributes.operationType]: 'send', ...outcome })
    }
    try {
      const result = await publish()
      end({})
      return result
    } catch (error) {
      end({ [attributes.errorType]: errorTypeOf(error) })
      throw error
    }
  }

  const publish = (request: PublishRequest, next: Next): Promise<PublishResult> => {
    const tracer = currentTracer()
    return counted(request, () => (tracer === undefined ? next(request) : traced(tracer, request, next)))
  }
  /** Returns undefined while there is no provider: then a queue publishes as if there was no such middleware. */
  return () => (currentTracer() === undefined && meters === undefined ? undefined : publish)
}

function fail(span: Span, list: BatchSpans | undefined, error: unknown): void {
  markRejected(span, error)
  list?.fail(error)
}

/**
 * Returns the context in which a message is made: the active one or, without one, that of the message being handled or of the caller's own
 * `traceparent`.
 */
function originOf({ topic, extensions, headers }: PublishRequest): { parent: Context; links: Link[] } {
  const active = context.active()
  const span = trace.getSpanContext(active)
  if (isOfSchedule(topic)) return { parent: ROOT_CONTEXT, links: span === undefined ? [] : [{ context: span }] }
  if (span === undefined) return { parent: extract({ extensions, headers }, active), links: [] }
  // An edited dead letter has the trace of the message that it replaces.
  const other = spanContextOf(extensions.traceparent)
  const isElsewhere = other !== undefined && other.traceId !== span.traceId
  return { parent: active, links: isElsewhere ? [{ context: other, attributes: { [attributes.link]: 'origin' } }] : [] }
}
