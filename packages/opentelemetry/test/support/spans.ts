import type { SpanContext } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'

/** The real SDK with its context manager and propagators, which keeps the spans that have ended. */
export function recordSpans() {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  provider.register()
  return {
    provider,
    /** The spans that have ended, in the order of their beginning. */
    spans: (): readonly ReadableSpan[] =>
      exporter
        .getFinishedSpans()
        .toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1]),
    reset: () => exporter.reset(),
    named(name: string): ReadableSpan {
      const found = exporter.getFinishedSpans().filter((span) => span.name === name)
      if (found.length === 1) return found[0] as ReadableSpan
      const all = exporter.getFinishedSpans().map((span) => span.name)
      throw new Error(`${found.length} spans '${name}' among ${all.join(', ')}`)
    },
    all: (name: string): readonly ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name),
  }
}

export const traceparent = ({ traceId, spanId }: SpanContext): string => `00-${traceId}-${spanId}-01`

export const parentOf = (span: ReadableSpan): string | undefined => span.parentSpanContext?.spanId
export const idOf = (span: ReadableSpan): string => span.spanContext().spanId
export const traceOf = (span: ReadableSpan): string => span.spanContext().traceId
