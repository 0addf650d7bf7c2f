import { MqError } from '@mq/core'
import { topicOf } from '@mq/core/adapter'
import type { DiscoveryService } from '@nestjs/core'
import { enhancerClassesOf, paramsOf } from '../metadata.js'
import { getQueueToken } from '../tokens.js'
import type { FoundHandler } from './handlers.js'

/** Throws `MQ_INVALID_OPTION` if two modules have the queue that a handler is for, or if none has. */
export function requireQueues(handlers: readonly FoundHandler[], discovery: DiscoveryService): void {
  const tokens = discovery.getProviders().flatMap(({ token, isAlias }) => (isAlias ? [] : [token]))
  for (const { title, mark } of handlers) {
    const count = tokens.filter((token) => token === getQueueToken(mark.queue)).length
    if (count === 1) continue
    const shown = mark.queue === undefined ? 'the queue without a name' : `the queue '${mark.queue}'`
    const problem = count === 0 ? 'no MqModule has' : `${count} MqModules have`
    const advice = count === 0 ? 'import MqModule.forRoot with that name' : 'give each MqModule another name'
    throw new MqError('MQ_INVALID_OPTION', `${title} is for ${shown}, which ${problem}: ${advice}`)
  }
}

/**
 * Throws `MQ_DUPLICATE_TASK` or `MQ_INVALID_OPTION` if two methods of a queue would share the messages of one group, so that each of them
 * missed what the other got. Ephemeral subscriptions share nothing. Two schedules of one name are refused, too.
 */
export function refuseDuplicates(handlers: readonly FoundHandler[], group: string | undefined): void {
  const first = new Map<string, FoundHandler>()
  for (const handler of handlers) {
    const place = placeOf(handler, group)
    if (place === undefined) continue
    const other = first.get(place)
    if (other === undefined) first.set(place, handler)
    else throw duplicate(handler, other, place)
  }
}

function placeOf({ mark }: FoundHandler, group: string | undefined): string | undefined {
  if (mark.kind === 'task') return `the task '${mark.task.name}'`
  if (mark.kind === 'schedule') return `the schedule '${mark.name}'`
  const own = mark.options.group ?? group
  if (mark.options.ephemeral === true || own === undefined) return undefined
  return `'${topicOf(mark.target)}' in the group '${own}'`
}

const remedies = {
  message: 'give one of them another group',
  task: 'keep one of them',
  schedule: 'give one of them another name',
} as const

function duplicate(handler: FoundHandler, other: FoundHandler, place: string): MqError {
  const { mark, method, title, module, token } = handler
  const code = mark.kind === 'message' ? 'MQ_INVALID_OPTION' : 'MQ_DUPLICATE_TASK'
  const error = (text: string) => new MqError(code, text)
  if (method !== other.method) {
    const both = `${other.title} and ${title} both take ${place}`
    const why = mark.kind === 'schedule' ? '' : ', and would share its messages'
    return error(`${both}${why}: ${remedies[mark.kind]}`)
  }
  if (module === other.module && token === other.token)
    return error(`${title} takes ${place} twice: ${remedies[mark.kind]}`)
  const modules = [...new Set([other.module, module])].join(' and ')
  const advice = 'list the class in the providers of one module, which exports it'
  return error(`${title} takes ${place} twice, as ${modules} provide its class: ${advice}`)
}

/** `@Payload()` and `@Ctx()` of `@nestjs/microservices` at their places. They may stay, because they say what holds without them. */
const allowedParams = ['3:0', '4:1']

/** Throws `MQ_INVALID_OPTION` if a parameter has a decorator that means nothing to a message, such as `@Query()`. */
export function refuseParams({ owner, methodName, title }: FoundHandler): void {
  const refused = Object.entries(paramsOf(owner, methodName)).find(
    ([place, { data }]) => !allowedParams.includes(place) || data !== undefined,
  )
  if (refused === undefined) return
  const text = `Parameter ${refused[1].index + 1} of ${title} has a decorator, but the parameters are the data and the context`
  throw new MqError('MQ_INVALID_OPTION', `${text}: remove the decorator`)
}

/** Throws `MQ_INVALID_OPTION` if Nest would leave out a guard or another enhancer, because a factory or a value gives the provider. */
export function refuseLeftOut({ owner, method, title, isMadeByNest }: FoundHandler): void {
  const [leftOut] = isMadeByNest ? [] : enhancerClassesOf(owner, method)
  if (leftOut === undefined) return
  const text = `${title} has ${leftOut.name}, which Nest makes for classes alone, and a factory or a value provides ${owner.name}`
  throw new MqError('MQ_INVALID_OPTION', `${text}: use useClass, or bind an instance of ${leftOut.name}`)
}
