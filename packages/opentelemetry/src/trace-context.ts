import { createTraceState, isSpanContextValid, type SpanContext, TraceFlags } from '@opentelemetry/api'

const pattern = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/

/** Writes a span's context as W3C `traceparent`. */
export const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${(traceFlags || TraceFlags.NONE).toString(16).padStart(2, '0')}`

/** Reads the W3C trace context of a message or a failure. Returns undefined if there is none, or if it is malformed. */
export function spanContextOf(traceparent: string | undefined, tracestate?: string): SpanContext | undefined {
  const parts = pattern.exec(traceparent ?? '')
  if (parts === null) return undefined
  const [text, version = '', traceId = '', spanId = '', flags = ''] = parts
  // Later versions may have more parts; this one must not.
  if (version === 'ff' || (version === '00' && text.length !== 55)) return undefined
  const spanContext: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  }
  return isSpanContextValid(spanContext) ? spanContext : undefined
}
