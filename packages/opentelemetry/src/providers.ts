import {
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  ProxyTracerProvider,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { durationBuckets, metricNames, scopeName } from './names.js'

export interface ProviderOptions {
  readonly tracerProvider?: TracerProvider | undefined
  readonly meterProvider?: MeterProvider | undefined
}

/** The tracer and the meters of one queue. */
export interface Telemetry {
  /** Undefined while there is no provider. A global one may be registered at any time. */
  tracer(): Tracer | undefined
  /** Undefined if there was no provider when the queue was instrumented: the API does not say when one is registered later. */
  readonly meters: Meters | undefined
  /** `messaging.system`. */
  readonly system: string
}

/** The provider that the API stands in with until there is one. */
const absent = new ProxyTracerProvider().getDelegate()

export function telemetryOf(system: string, { tracerProvider, meterProvider }: ProviderOptions): Telemetry {
  const tracer = (tracerProvider ?? trace).getTracer(scopeName)
  const meter = (meterProvider ?? metrics).getMeter(scopeName)
  const isThere = (): boolean => {
    const provider = trace.getTracerProvider()
    return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== absent
  }
  return {
    tracer: () => (tracerProvider !== undefined || isThere() ? tracer : undefined),
    meters: meter === createNoopMeter() ? undefined : metersOf(meter),
    system,
  }
}

function metersOf(meter: Meter) {
  const durations = (name: string, description: string): Histogram =>
    meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: durationBuckets } })
  const messages = (name: string, description: string) => meter.createCounter(name, { unit: '{message}', description })
  return {
    meter,
    sent: messages(metricNames.sent, 'Messages that were published, or that should have been.'),
    consumed: messages(metricNames.consumed, 'Runs of messages that were delivered to this process.'),
    operationDuration: durations(metricNames.operationDuration, 'How long publishing took.'),
    processDuration: durations(metricNames.processDuration, 'How long runs of handlers and tasks took.'),
  }
}

export type Meters = ReturnType<typeof metersOf>
