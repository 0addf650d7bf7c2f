import { shown } from '../contract/checks/shown.js'
import { MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import { type Middleware, type PublishBatch, type PublishRequest, publishChain } from '../contract/middleware.js'
import type {
  PublishAllOptions,
  PublishOptions,
  PublishOutcome,
  PublishResult,
  TombstoneOptions,
} from '../contract/publish-options.js'
import { type Encoded, type EncodeSettings, encodeChanged, encodeRequest } from './encode.js'
import { forwarder } from './forward.js'
import { gather } from './gather.js'
import {
  requestOf,
  requirePublishAllOptions,
  requirePublishOptions,
  requireTombstoneOptions,
  tombstoneRequestOf,
} from './request.js'
import { createSend, type SenderOptions } from './send.js'

export interface PublisherOptions extends EncodeSettings, SenderOptions {
  /** Read at each publish: it may grow. */
  readonly middleware: readonly Middleware[]
}

/** Creates the publishing side of a queue: checks messages, passes them through the middleware and sends them. */
export function createPublisher(options: PublisherOptions) {
  const { middleware } = options
  const send = createSend(options)
  const forward = forwarder(options, send)
  const isIntercepted = (): boolean => middleware.some((layer) => layer.publish !== undefined)

  async function publish(event: EventDefinition, data: unknown, given: PublishOptions): Promise<PublishResult> {
    requirePublishOptions(given, options)
    return await sendRequest(event, await requestOf(options, event, data, given), given)
  }

  async function publishTombstone(
    event: EventDefinition,
    key: string,
    given: TombstoneOptions,
  ): Promise<PublishResult> {
    requireTombstoneOptions(given, options)
    return await sendRequest(event, tombstoneRequestOf(options, event, key, given), given)
  }

  async function sendRequest(
    event: EventDefinition,
    request: PublishRequest,
    given: TombstoneOptions,
  ): Promise<PublishResult> {
    if (!isIntercepted()) return await sendOne(event, encodeRequest(options, event, request), given)
    const sendChanged = async (changed: PublishRequest): Promise<PublishResult> =>
      sendOne(event, encodeChanged(options, event, changed), given)
    return await publishChain(middleware, sendChanged)(request)
  }

  async function sendOne(
    event: EventDefinition,
    encoding: Encoded | Promise<Encoded>,
    given: TombstoneOptions,
  ): Promise<PublishResult> {
    const encoded = await encoding
    return resultOf((await send(event.name, [encoded], given))[0])
  }

  /**
   * Checks all messages, then sends them in one call. Each message passes the middleware on its own: its `next` resolves once the whole
   * list has its outcomes.
   */
  async function publishAll(
    event: EventDefinition,
    list: readonly unknown[],
    given: PublishAllOptions,
  ): Promise<readonly PublishResult[]> {
    if (!Array.isArray(list)) throw new TypeError(`publishAll takes an array, not ${shown(list)}`)
    requirePublishAllOptions(given, options)
    if (list.length === 0) return []
    const { id, key, ...shared } = given
    const requests = await Promise.all(
      list.map((data, index) =>
        requestOf(options, event, data, {
          ...shared,
          ...(id !== undefined && { id: id(data, index) }),
          ...(key !== undefined && { key: typeof key === 'function' ? key(data, index) : key }),
        }),
      ),
    )
    const outcomes = !isIntercepted()
      ? await send(event.name, await encodeAll(event, requests), given)
      : await throughMiddleware(event, requests, given)
    const failed = outcomes.filter((outcome) => outcome.status !== 'stored')
    if (failed.length > 0) throw partlyFailed(event.name, outcomes, failed)
    return outcomes.map(resultOf)
  }

  const encodeAll = (event: EventDefinition, requests: readonly PublishRequest[]): Promise<readonly Encoded[]> =>
    Promise.all(requests.map((request) => encodeRequest(options, event, request)))

  /** Runs the middleware for each message on its own, then sends together the messages that it passes on. */
  async function throughMiddleware(
    event: EventDefinition,
    requests: readonly PublishRequest[],
    given: PublishAllOptions,
  ): Promise<readonly PublishOutcome[]> {
    const batch = gather(requests.length, (encoded) => send(event.name, encoded, given))
    const list: PublishBatch = Object.freeze({ count: requests.length })
    const runs = requests.map(async (request, index): Promise<PublishOutcome> => {
      let outcome: PublishOutcome | undefined
      const add = async (changed: PublishRequest): Promise<PublishResult> => {
        outcome = await batch.add(index, await encodeChanged(options, event, changed))
        return resultOf(outcome)
      }
      try {
        const result = await publishChain(middleware, add)({ ...request, batch: list })
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

  return { publish, publishTombstone, publishAll, forward }
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
