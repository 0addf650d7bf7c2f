import 'reflect-metadata'

/** A method as a class declares it. */
export type Method = (...args: never[]) => unknown

/** The keys of Nest's metadata, which Nest 11 and 12 export from different places. */
const nestKeys = {
  paramTypes: 'design:paramtypes',
  /** Decorators of parameters, those of HTTP and of `@nestjs/microservices` alike. */
  params: '__routeArguments__',
  filters: '__exceptionFilters__',
  guards: '__guards__',
  interceptors: '__interceptors__',
  pipes: '__pipes__',
} as const

/** The place and the pipes of a parameter, as Nest's decorators of parameters write them. */
export interface ParamMetadata {
  readonly index: number
  readonly data?: unknown
  readonly pipes?: readonly unknown[]
}

type Params = Readonly<Record<string, ParamMetadata>>

/** Returns the decorated parameters of a method by the type and the place of each, such as `3:0`. */
export const paramsOf = (owner: object, methodName: string): Params =>
  Reflect.getMetadata(nestKeys.params, owner, methodName) ?? {}

/** Returns the types of a method's parameters, if the compiler has emitted them. */
export const paramTypesOf = (prototype: object, methodName: string): readonly unknown[] | undefined =>
  Reflect.getMetadata(nestKeys.paramTypes, prototype, methodName)

/** Describes the parameters of a method that does not exist, so that Nest can be asked to run pipes by its name. */
export function describeParams(owner: object, options: DescribedParams): void {
  const { name, key, params, types, prototype } = options
  Reflect.defineMetadata(key, params, owner, name)
  if (types !== undefined) Reflect.defineMetadata(nestKeys.paramTypes, types, prototype, name)
}

interface DescribedParams {
  readonly name: string
  readonly key: string
  readonly params: Params
  readonly types: readonly unknown[] | undefined
  readonly prototype: object
}

/** Returns true if a filter or a pipe is bound to the method or to its class. */
export const hasBound = (kind: 'filters' | 'pipes', owner: object, method: Method): boolean =>
  [owner, method].some((each) => Reflect.hasMetadata(nestKeys[kind], each))

/** Returns the guards, interceptors, pipes and filters of a method and its class that are bound by their class, so that Nest makes them. */
export function enhancerClassesOf(owner: object, method: Method): readonly Method[] {
  const keys = [nestKeys.guards, nestKeys.interceptors, nestKeys.pipes, nestKeys.filters]
  const bound = keys.flatMap((key) => [owner, method].flatMap((each) => Reflect.getMetadata(key, each) ?? []))
  return bound.filter((each) => typeof each === 'function')
}

/** Gives `substitute` the name and all metadata of a method, so that `Reflector` and Nest find there what the method says. */
export function inPlaceOf<Call extends (...args: never[]) => unknown>(method: Method, substitute: Call): Call {
  for (const key of Reflect.getMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, method), substitute)
  }
  return Object.defineProperty(substitute, 'name', { value: method.name, configurable: true })
}
