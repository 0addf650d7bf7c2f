import { ForeignGroupError, LinkError } from '../../errors.js'

/** An error as one thread sends it to another. A copy made by the runtime lacks the fields by which errors are told apart. */
export interface ErrorParts {
  readonly name: string
  readonly message: string
  readonly stack?: string | undefined
  /** Kafka's name of the error. */
  readonly type?: string | undefined
  /** Node's name of the error. */
  readonly code?: string | undefined
  readonly unsent?: boolean | undefined
  readonly cause?: ErrorParts | undefined
}

const maxDepth = 8

export function partsOf(error: unknown, depth = 0): ErrorParts {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { type, code } = error as { readonly type?: unknown; readonly code?: unknown }
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    type: typeof type === 'string' ? type : undefined,
    code: typeof code === 'string' ? code : undefined,
    unsent: error instanceof LinkError ? error.unsent : undefined,
    cause: error.cause === undefined || depth >= maxDepth ? undefined : partsOf(error.cause, depth + 1),
  }
}

export function errorOf(parts: ErrorParts): Error {
  const { name, message, stack, type, code, unsent } = parts
  const cause = parts.cause === undefined ? undefined : errorOf(parts.cause)
  const error = made()
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true })
  if (stack !== undefined) Object.defineProperty(error, 'stack', { value: stack, configurable: true })
  return Object.assign(error, type !== undefined && { type }, code !== undefined && { code })

  function made(): Error {
    if (name === 'LinkError') return new LinkError(message, { cause, unsent: unsent ?? false })
    if (name === 'ForeignGroupError') return new ForeignGroupError(message, { cause })
    return new Error(message, { cause })
  }
}
