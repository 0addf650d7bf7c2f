import { ApplicationConfig, type ContextId, ExternalContextCreator, type NestContainer } from '@nestjs/core'
import type { FoundHandler } from '../discover/handlers.js'
import { describeParams, hasBound, inPlaceOf, paramsOf, paramTypesOf } from '../metadata.js'

/** The type of context that guards, interceptors and filters get for a message or a task. Its arguments are the data and the context. */
export type MqContextType = 'mq'

/** Calls a method with guards, interceptors and pipes around it. */
export type Call = (data: unknown, context: object) => Promise<unknown>

/** Calls the filters for an error. It settles as the filter that takes the error does, and rejects with the error if there is none. */
export type Filter = (data: unknown, context: object, error: unknown) => Promise<unknown>

export interface Enhanced {
  readonly call: Call
  /** Undefined if no filter can be bound. */
  readonly filter: Filter | undefined
}

const contextType: MqContextType = 'mq'
/** The contexts of a method, by what is in them. */
const parts = {
  pipes: { guards: false, interceptors: false, filters: false },
  guards: { guards: true, interceptors: true, filters: false },
  filters: { guards: false, interceptors: false, filters: true },
}
const paramsKey = '@mq/nestjs:params'
/** The only parameter that pipes see. Its type is that of a payload, which is the body's too, so that `ValidationPipe` takes it. */
const dataPlace = '3:0'
const onlyData = { exchangeKeyForValue: (_type: number, _name: unknown, args: readonly unknown[]) => args[0] }
let described = 0

/**
 * Creates what puts the enhancers of Nest around the methods. Nest makes them by `ExternalContextCreator`, its way for handlers outside
 * HTTP, which runs pipes over every parameter. So three contexts stand for one method: its pipes see the data alone, its guards and
 * interceptors surround them, and its filters get what failed. See docs/decisions/0013-nestjs.md.
 */
export function createEnhancers(creator: ExternalContextCreator, inheritAppConfig: boolean) {
  const external = inheritAppConfig ? creator : withoutAppConfig(creator)

  /** Prepares a handler. The result makes the enhanced method of an instance. */
  return (handler: FoundHandler): ((instance: object, contextId?: ContextId) => Enhanced) => {
    const { method, owner, methodName } = handler
    // Nest 11 caches what it knows of a method by the names of class and method alone, so these names are unique.
    const number = ++described
    const name = (part: keyof typeof parts): string => `${methodName} of @mq/nestjs ${number}, ${part}`
    const [pipes = []] = Object.values(paramsOf(owner, methodName)).flatMap(({ index, pipes }) =>
      index === 0 ? [pipes] : [],
    )
    const params = { [dataPlace]: { index: 0, data: undefined, pipes } }
    const prototype = owner.prototype as object
    describeParams(owner, {
      name: name('pipes'),
      key: paramsKey,
      params,
      types: paramTypesOf(prototype, methodName),
      prototype,
    })
    const hasFilter = inheritAppConfig || hasBound('filters', owner, method)
    const hasPipe = inheritAppConfig || pipes.length > 0 || hasBound('pipes', owner, method)

    return (instance, contextId) => {
      const create = (part: keyof typeof parts, callback: (...args: unknown[]) => unknown) => {
        const [key, factory] = part === 'pipes' ? [paramsKey, onlyData] : []
        const own = inPlaceOf(method, callback)
        return external.create(instance, own, name(part), key, factory, contextId, undefined, parts[part], contextType)
      }
      const call = (data: unknown, context: unknown) => Reflect.apply(method, instance, [data, context])
      const pipe = hasPipe ? create('pipes', (data) => data) : undefined
      const piped = async (data: unknown, context: unknown) => call(await pipe?.(data, context), context)
      const rethrow = (_data: unknown, _context: unknown, error: unknown): never => {
        throw error
      }
      return {
        call: create('guards', pipe === undefined ? call : piped),
        filter: hasFilter ? create('filters', rethrow) : undefined,
      }
    }
  }
}

/** Nest keeps the enhancers of the whole application in its `ApplicationConfig`. With an empty one, only those of classes and methods are found. */
function withoutAppConfig(creator: ExternalContextCreator): ExternalContextCreator {
  const { container } = creator as unknown as { readonly container: NestContainer }
  return ExternalContextCreator.fromContainer(
    Object.create(container, { applicationConfig: { value: new ApplicationConfig() } }),
  )
}
