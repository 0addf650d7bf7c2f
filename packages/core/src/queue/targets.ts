import type { Adapter, GroupRef, TargetRef } from '../contract/adapter.js'
import { type Capabilities, completeCapabilities } from '../contract/capabilities.js'
import { shown } from '../contract/checks/shown.js'
import { isMqError, MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import {
  type Decoding,
  type ForeignPlace,
  type ForeignTopic,
  foreignTopicOf,
  requirePlace,
  shownPlace,
} from '../contract/foreign.js'
import { requireName, workersGroup } from '../contract/names.js'
import type { Target } from '../contract/queue.js'
import { isTask, refuseTask, taskEvent } from './task-target.js'

/** A target as subscriptions and groups need it. */
export interface ResolvedTarget {
  readonly event: EventDefinition
  /** The group that a call means if it names none: a task has one. */
  readonly group?: string
  /** The capabilities that hold for this target. */
  readonly capabilities: Capabilities
  /** The adapter, and the foreign place if there is one, for errors. */
  readonly reader: string
  readonly decode: Decoding | undefined
  /** Names a group of the target for the adapter. */
  refOf(group: string): TargetRef
}

/** Creates what finds out which topic a target is, and whether the adapter can do what its kind asks for. */
export function createTargets(adapter: Adapter, capabilities: Capabilities) {
  /** The foreign topics that this queue was given, and their places as texts. A name means the same in every call. */
  const places = new Map<string, { readonly text: string; readonly topic: ForeignTopic }>()

  function requireOneMeaning(event: EventDefinition, foreign: ForeignTopic | undefined): void {
    const known = places.get(event.name)
    if (known === undefined || known.text === (foreign && JSON.stringify(foreign.at))) return
    const other = `'${event.name}' names the foreign topic ${shownPlace(known.topic.at)} in this queue`
    const advice = foreign === undefined ? 'pass what defineForeignTopic returned' : 'choose another name'
    throw new MqError('MQ_INVALID_OPTION', `${other}; ${advice}`)
  }

  function eventOf(target: Target): EventDefinition {
    const event = definitionOf(target)
    if (places.size > 0) requireOneMeaning(event, foreignTopicOf(event))
    return event
  }

  function foreignCapabilities(topic: ForeignTopic, at: ForeignPlace): Capabilities {
    if (adapter.foreignCapabilities === undefined) {
      throw new MqError('MQ_NOT_SUPPORTED', `${adapter.name} cannot read ${shownPlace(at)}: it has no foreign topics`)
    }
    const differing = adapter.foreignCapabilities(at)
    places.set(topic.name, { text: JSON.stringify(at), topic })
    return completeCapabilities({ ...capabilities, ...differing })
  }

  function resolve(target: Target): ResolvedTarget {
    const event = eventOf(target)
    const foreign = foreignTopicOf(event)
    if (foreign === undefined) {
      const refOf = (group: string): GroupRef => ({ topic: event.name, group })
      const own = { event, capabilities, reader: adapter.name, decode: undefined, refOf }
      return isTask(target) ? { ...own, group: workersGroup } : own
    }
    const at = requirePlace(foreign.at)
    return {
      event,
      capabilities: foreignCapabilities(foreign, at),
      reader: `${adapter.name} at ${shownPlace(at)}`,
      decode: foreign.decode,
      refOf: (group) => ({ topic: event.name, group, at }),
    }
  }

  return {
    places: places as ReadonlyMap<string, unknown>,
    resolve,
    /** Returns the topic to publish to. Throws `MQ_NOT_SUPPORTED` if other programs own it, and a `TypeError` for a task. */
    publishable(target: Target): EventDefinition {
      refuseTask(target)
      const event = eventOf(target)
      const foreign = foreignTopicOf(event)
      if (foreign === undefined) return event
      const why = 'other programs own it, and may not understand our messages'
      const text = `'${event.name}' is the foreign topic ${shownPlace(foreign.at)}: ${why}. Write to it with a client of the broker`
      throw new MqError('MQ_NOT_SUPPORTED', text)
    },
  }
}

function definitionOf(target: Target): EventDefinition {
  if (typeof target === 'string') return { name: requireTopic(target) }
  if (typeof target !== 'object' || target === null) {
    throw new TypeError(`A topic is a string or what defineEvent or defineTask returns, not ${shown(target)}`)
  }
  if (isTask(target)) return taskEvent(target)
  requireName(target.name, 'topic')
  return target as EventDefinition
}

/** Checks the name of a topic. Many names of other programs do not fit, and whoever gives one needs to know what does. */
function requireTopic(topic: string): string {
  try {
    return requireName(topic, 'topic')
  } catch (error) {
    if (!isMqError(error, 'MQ_INVALID_NAME')) throw error
    const advice = 'To read what other programs have under such a name, use defineForeignTopic'
    throw new MqError('MQ_INVALID_NAME', `${error.message}. ${advice}`)
  }
}
