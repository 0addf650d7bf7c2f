import { type Context, isSpanContextValid, propagation, type TextMapGetter, trace } from '@opentelemetry/api'
import { spanContextOf, traceparentOf } from './trace-context.js'

type Fields = Readonly<Record<string, string>>

/** The parts of a message that carry a context: CloudEvents attributes and, for names that no attribute can have, headers. */
export interface Carrier {
  readonly extensions: Fields
  readonly headers: Fields
}

const attributeName = /^[a-z0-9]{1,20}$/
const headerName = /^(?!x-|mq-|ce[-_])[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/i
const plainText = /^[\x20-\x7e]{1,1024}$/

/** The limits of core for the extensions of a message. A context that does not fit is left out: it must not make a publish fail. */
const maxExtensions = 16
const maxExtensionBytes = 4 * 1024

/**
 * Returns the carrier with a context in it, in place of the one that it had. W3C `traceparent` and `tracestate` are always written. Other
 * fields are those of the global propagator, `baggage` for example.
 */
export function inject(context: Context, { extensions, headers }: Carrier): Carrier {
  const fields: Record<string, string> = {}
  propagation.inject(context, fields)
  const span = trace.getSpanContext(context)
  if (span !== undefined && isSpanContextValid(span)) {
    fields.traceparent = traceparentOf(span)
    const tracestate = span.traceState?.serialize()
    if (tracestate) fields.tracestate = tracestate
  }
  const names = new Set(['traceparent', 'tracestate', ...propagation.fields()])
  const left = (given: Fields): Record<string, string> =>
    Object.fromEntries(Object.entries(given).filter(([name]) => !names.has(name)))
  const carried = { extensions: left(extensions), headers: left(headers) }
  for (const [name, value] of Object.entries(fields)) {
    if (!plainText.test(value)) continue
    if (attributeName.test(name)) addIfItFits(carried.extensions, name, value)
    else if (headerName.test(name)) carried.headers[name] = value
  }
  return carried
}

function addIfItFits(extensions: Record<string, string>, name: string, value: string): void {
  const entries = Object.entries({ ...extensions, [name]: value })
  const bytes = entries.reduce((sum, [each, text]) => sum + each.length + Buffer.byteLength(text), 0)
  if (entries.length <= maxExtensions && bytes <= maxExtensionBytes) extensions[name] = value
}

const getter: TextMapGetter<Carrier> = {
  keys: ({ extensions, headers }) => [...Object.keys(extensions), ...Object.keys(headers)],
  get: ({ extensions, headers }, name) => extensions[name] ?? headers[name],
}

/** Returns the context that a message carries, on top of another one. */
export function extract(carrier: Carrier, base: Context): Context {
  const context = propagation.extract(base, carrier, getter)
  if (trace.getSpanContext(context) !== undefined) return context
  const span = spanContextOf(carrier.extensions.traceparent, carrier.extensions.tracestate)
  return span === undefined ? context : trace.setSpanContext(context, span)
}
