import { MqError } from '@mq/core'
import type { DiscoveryService, MetadataScanner } from '@nestjs/core'
import { type Mark, marksOf, type TaskMark } from '../decorators/marks.js'
import type { Method } from '../metadata.js'

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number]

/** A decorated method of a provider or a controller, once for each of its decorators. */
export interface FoundHandler {
  readonly mark: Mark
  /** Names the method in an error: `UsersListener.welcome`. */
  readonly title: string
  readonly owner: Method
  readonly methodName: string
  readonly method: Method
  /** The only instance, or undefined if each message gets its own, because something in it is request-scoped. */
  readonly instance: object | undefined
  /** Whether Nest has made the instance from its class. If a factory or a value has given it, Nest makes none of its enhancers. */
  readonly isMadeByNest: boolean
  /** The token of the provider. */
  readonly token: Wrapper['token']
  /** The name of the module that provides it. */
  readonly module: string
}

interface Discovered {
  readonly discovery: DiscoveryService
  readonly scanner: MetadataScanner
}

/** Finds the decorated methods of the application. Throws `MQ_INVALID_OPTION` if one belongs to a transient provider. */
export function findHandlers({ discovery, scanner }: Discovered): readonly FoundHandler[] {
  const seen = new Set<object>()
  return [...discovery.getProviders(), ...discovery.getControllers()].flatMap((wrapper) => {
    const prototype = prototypeOf(wrapper)
    if (prototype === undefined || wrapper.isAlias) return []
    const found = scanner.getAllMethodNames(prototype).flatMap((name) => handlersOf(wrapper, prototype, name))
    if (found.length === 0 || seen.has(wrapper.instance)) return []
    seen.add(wrapper.instance)
    return found
  })
}

/** A provider by a factory or a value has no class of its own, and one that is request-scoped has no instance yet. */
function prototypeOf({ instance, metatype }: Wrapper): object | undefined {
  const prototype =
    typeof instance === 'object' && instance !== null ? Object.getPrototypeOf(instance) : metatype?.prototype
  return prototype === null || prototype === Object.prototype ? undefined : prototype
}

function handlersOf(wrapper: Wrapper, prototype: object, methodName: string): readonly FoundHandler[] {
  const method: Method = Reflect.get(prototype, methodName)
  const owner = prototype.constructor as Method
  const title = `${owner.name}.${methodName}`
  const marks = withWorkers(marksOf(method))
  if (marks.length > 0 && wrapper.isTransient) {
    const text = `${title} handles messages, but its class is transient, so there is no instance to call: make it a singleton`
    throw new MqError('MQ_INVALID_OPTION', text)
  }
  const instance: object | undefined = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined
  const module = wrapper.host?.name ?? 'unknown'
  const isMadeByNest = !wrapper.isNotMetatype
  const { token } = wrapper
  return marks.map((mark) => ({ mark, title, owner, methodName, method, instance, isMadeByNest, token, module }))
}

/** A method that is scheduled is the worker of its task, whether it has `@OnTask` as well or not. */
function withWorkers(marks: readonly Mark[]): readonly Mark[] {
  const workers: TaskMark[] = marks.filter((mark) => mark.kind === 'task')
  for (const { task, queue } of marks.filter((mark) => mark.kind === 'schedule')) {
    const isWorked = workers.some((worker) => worker.task.name === task.name && worker.queue === queue)
    if (!isWorked) workers.push({ kind: 'task', task, queue, options: {} })
  }
  return [...workers, ...marks.filter(({ kind }) => kind !== 'task')]
}
