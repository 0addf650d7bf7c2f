import { AssertionError } from 'node:assert'
import { inspect } from 'node:util'

/** Returns the text of a failure on one line. For an assertion it names what was found and what was expected. */
export function reasonOf(error: Error): string {
  const [line = ''] = error.message.split('\n')
  if (!(error instanceof AssertionError) || !hasValues(error)) return line.trim() || error.name
  return error.generatedMessage ? valuesOf(error) : `${line.trim()}: ${valuesOf(error)}`
}

/** Returns false for `assert.ok` and `assert.fail`, which have a text and no values. */
const hasValues = ({ operator }: AssertionError): boolean => operator !== '==' && operator !== 'fail'

function valuesOf({ operator, actual, expected }: AssertionError): string {
  const isNegated = operator.startsWith('not')
  return isNegated ? `found ${short(actual)}` : `found ${short(actual)}, expected ${short(expected)}`
}

const maxCauses = 5

/** Returns the causes of an error, the nearest first. */
export function causesOf(error: Error): readonly unknown[] {
  const causes: unknown[] = []
  for (let cause = error.cause; cause !== undefined && cause !== null && causes.length < maxCauses; ) {
    causes.push(cause)
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return causes
}

const maxLength = 200

function short(value: unknown): string {
  const text = inspect(value, {
    depth: 6,
    breakLength: Number.POSITIVE_INFINITY,
    maxArrayLength: 20,
    maxStringLength: 100,
  })
  const line = text.replaceAll('\n', ' ')
  return line.length > maxLength ? `${line.slice(0, maxLength)}...` : line
}
