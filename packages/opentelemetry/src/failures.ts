import { type Failure, isMqError } from '@mq/core'
import { type Span, SpanStatusCode } from '@opentelemetry/api'
import { attributes } from './names.js'

/** Returns `error.type` of an error that a publish has ended with: a code of this library, or the name of the class. */
export function errorTypeOf(error: unknown): string {
  if (isMqError(error)) return error.code
  return error instanceof Error && error.name !== '' ? error.name : '_OTHER'
}

/** Returns `error.type` of a failed run: the code of the error, or the name of its class. */
export const failureTypeOf = ({ error }: Failure): string => error.code ?? error.name

/** Ends the span of a publish that was rejected. */
export function markRejected(span: Span, error: unknown): void {
  span.setAttribute(attributes.errorType, errorTypeOf(error))
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) })
  if (error instanceof Error) span.recordException(error)
}

/** Marks the span of a run that failed, with the parts of the error that core keeps: they show no passwords. */
export function markFailed(span: Span, failure: Failure): void {
  const { name, message, stack } = failure.error
  span.setAttribute(attributes.errorType, failureTypeOf(failure))
  span.setStatus({ code: SpanStatusCode.ERROR, message: `${name}: ${message}` })
  span.recordException({ name, message, ...(stack !== undefined && { stack }) })
}
