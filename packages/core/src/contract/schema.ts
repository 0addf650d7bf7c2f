import { escapeControls } from './checks/escaped.js'
import { MqError } from './errors.js'

/**
 * The part of the Standard Schema interface, version 1, that validates and infers types (https://standardschema.dev). zod, valibot,
 * arktype and others implement it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The type of the data that a schema takes, as a publisher gives it. */
export type SchemaInput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['input']

/** The type of the data that a schema returns, as a handler gets it. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']

/** Returns true if the value implements version 1 of the interface. Schemas of arktype are functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as Partial<StandardSchema>)['~standard']
  return standard?.version === 1 && typeof standard.validate === 'function'
}

/**
 * Returns the validated value, as a promise only if the schema is asynchronous. `what` names the data in the error.
 * Throws `MQ_INVALID_DATA` with all issues; its text has the first three.
 */
export function validate<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  what: string,
): Output | Promise<Output> {
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then((settled) => accept(settled, what)) : accept(result, what)
}

function accept<Output>(result: SchemaResult<Output>, what: string): Output {
  if (result.issues === undefined) return result.value
  const shownIssues = result.issues.slice(0, 3).map(describeIssue).join('; ')
  const more = result.issues.length > 3 ? `; and ${result.issues.length - 3} more` : ''
  throw new MqError('MQ_INVALID_DATA', `The data of ${what} does not match its schema: ${shownIssues}${more}`, {
    issues: result.issues,
  })
}

function describeIssue(issue: SchemaIssue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
  const text = path === '' ? issue.message : `${path}: ${issue.message}`
  // It may quote what another program wrote.
  return escapeControls(text.replace(/\s*\n\s*/g, ' '))
}
