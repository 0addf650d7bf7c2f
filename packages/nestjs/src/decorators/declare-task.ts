import {
  defineTask,
  type RetryOptions,
  type SchemaInput,
  type SchemaOutput,
  type StandardSchema,
  type Task,
  type TaskEventName,
  Unrecoverable,
} from '@mq/core'

interface DeclaredTask {
  readonly name: string
  readonly retry?: RetryOptions | false | undefined
  readonly timeoutMs?: number | undefined
  readonly events?: readonly TaskEventName[] | undefined
}

interface Schemas {
  readonly input?: StandardSchema | undefined
  readonly result?: StandardSchema | undefined
}

/**
 * Declares a task whose work is done by a method with `@OnTask`, perhaps in another process. So whoever enqueues it needs none of the code
 * that does it.
 *
 * `result` checks what the method returns, and changes nothing about it. A task with another result fails and is not retried, because its
 * work is done. Throws like `defineTask`.
 */
export function declareTask<Input extends StandardSchema, Result extends StandardSchema>(
  task: DeclaredTask & { readonly input: Input; readonly result: Result },
): Task<SchemaOutput<Input>, SchemaInput<Result>, SchemaInput<Input>>
/** Declares a task that has no result, with an input that is checked. */
export function declareTask<Input extends StandardSchema>(
  task: DeclaredTask & { readonly input: Input; readonly result?: undefined },
): Task<SchemaOutput<Input>, void, SchemaInput<Input>>
/** Declares a task whose input and result have types, and are not checked. Default of the result: none. */
export function declareTask<Input, Result = void>(
  task: DeclaredTask & { readonly input?: undefined; readonly result?: undefined },
): Task<Input, Result>
export function declareTask(task: DeclaredTask & Schemas): Task<never, never, never> {
  const execute = (): never => {
    throw new Error(`The task '${task.name}' is only declared: a method with @OnTask has to do its work`)
  }
  return defineTask({ ...task, execute } as Parameters<typeof defineTask>[0]) as Task<never, never, never>
}

/** Returns the result of a task as it is. Throws `Unrecoverable` if the task was declared with a schema that refuses it. */
export async function checkedResult(task: Task, result: unknown): Promise<unknown> {
  const { result: schema } = task as Schemas
  const checked = await schema?.['~standard'].validate(result)
  if (checked?.issues === undefined) return result
  const issues = checked.issues.map(({ message, path = [] }) => `${path.map(keyOf).join('.')}: ${message}`)
  throw new Unrecoverable(
    `The result of the task '${task.name}' is not what it was declared with: ${issues.join('; ')}`,
  )
}

const keyOf = (step: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof step === 'object' ? step.key : step)
