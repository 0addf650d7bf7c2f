import { requireOptions, shown } from '../contract/checks.js'
import { MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import { type Middleware, type PublishRequest, publishChain } from '../contract/middleware.js'
import type { PublishAllOptions, PublishOptions, PublishOutcome, PublishResult } from '../contract/publish-options.js'
import { gather } from './batch.js'
import type { Publisher } from './publisher.js'

/** Checks one message, passes it through the middleware and sends it. */
export async function publishOne(
  publisher: Publisher,
  middleware: readonly Middleware[],
  event: EventDefinition,
  data: unknown,
  options: PublishOptions,
): Promise<PublishResult> {
  const request = await publisher.request(event, data, options)
  if (middleware.length === 0) return await sendOne(publisher, event, request, options)
  return await publishChain(middleware, (changed) => sendOne(publisher, event, changed, options))(request)
}

async function sendOne(
  publisher: Publisher,
  event: EventDefinition,
  request: PublishRequest,
  options: PublishOptions,
): Promise<PublishResult> {
  const prepared = await publisher.prepare(event, request)
  return resultOf((await publisher.send(event.name, [prepared], options))[0])
}

/**
 * Checks all messages, then sends them in one call. Each one passes the middleware on its own: a `next` resolves once the
 * whole list has its outcomes.
 */
export async function publishAll(
  publisher: Publisher,
  middleware: readonly Middleware[],
  event: EventDefinition,
  list: readonly unknown[],
  options: PublishAllOptions,
): Promise<readonly PublishResult[]> {
  if (!Array.isArray(list)) throw new TypeError(`publishAll takes an array, not ${shown(list)}`)
  requireOptions(options, 'The options of publishAll')
  if (list.length === 0) return []
  const { id, key, ...shared } = options
  const requests = await Promise.all(
    list.map((data, index) =>
      publisher.request(event, data, {
        ...shared,
        ...(id !== undefined && { id: id(data, index) }),
        ...(key !== undefined && { key: typeof key === 'function' ? key(data, index) : key }),
      }),
    ),
  )
  const outcomes =
    middleware.length === 0
      ? await publisher.send(event.name, await prepareAll(publisher, event, requests), options)
      : await throughMiddleware(publisher, middleware, event, requests, options)
  const failed = outcomes.filter((outcome) => outcome.status !== 'stored')
  if (failed.length > 0) throw partlyFailed(event.name, outcomes, failed)
  return outcomes.map(resultOf)
}

const prepareAll = (publisher: Publisher, event: EventDefinition, requests: readonly PublishRequest[]) =>
  Promise.all(requests.map((request) => publisher.prepare(event, request)))

/** Each message passes the middleware on its own; what comes out of the onions' insides is sent together. */
async function throughMiddleware(
  publisher: Publisher,
  middleware: readonly Middleware[],
  event: EventDefinition,
  requests: readonly PublishRequest[],
  options: PublishAllOptions,
): Promise<readonly PublishOutcome[]> {
  const batch = gather(requests.length, (prepared) => publisher.send(event.name, prepared, options))
  const runs = requests.map(async (request, index): Promise<PublishOutcome> => {
    let outcome: PublishOutcome | undefined
    const send = async (changed: PublishRequest): Promise<PublishResult> => {
      outcome = await batch.add(index, await publisher.prepare(event, changed))
      return resultOf(outcome)
    }
    try {
      const result = await publishChain(middleware, send)(request)
      batch.skip(index)
      return { status: 'stored', ...result }
    } catch (error) {
      if (outcome !== undefined && outcome.status !== 'stored') return outcome
      batch.refuse(error)
      throw error
    }
  })
  return Promise.all(runs)
}

function resultOf(outcome: PublishOutcome | undefined): PublishResult {
  if (outcome?.status === 'stored') return { id: outcome.id, routed: outcome.routed }
  throw outcome?.error ?? new MqError('MQ_PUBLISH_UNKNOWN', 'Nothing is known of the message')
}

function partlyFailed(topic: string, outcomes: readonly PublishOutcome[], failed: readonly PublishOutcome[]): MqError {
  const unknown = failed.some((outcome) => outcome.status === 'unknown')
  const [first] = failed
  const cause = first !== undefined && 'error' in first ? first.error : undefined
  const text = `${failed.length} of ${outcomes.length} messages for '${topic}' were not acknowledged: ${cause?.message}`
  return new MqError(unknown ? 'MQ_PUBLISH_UNKNOWN' : 'MQ_PUBLISH_REJECTED', text, { outcomes, cause })
}
