import { retryPolicy } from '../consume/retry.js'
import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { requireBoolean, requireDuration, requireInteger } from '../contract/checks/values.js'
import { consoleLog, guarded } from '../contract/log.js'
import { requireName, requireSource } from '../contract/names.js'
import type { QueueOptions } from '../contract/queue.js'

const optionNames = keysOf<QueueOptions>()({
  group: true,
  source: true,
  retry: true,
  publishTimeoutMs: true,
  operationTimeoutMs: true,
  stopTimeoutMs: true,
  maxPendingMessages: true,
  maxPendingBytes: true,
  log: true,
  logFailures: true,
  storeStacks: true,
})

/** Checks the options of a queue and fills in every default. */
export function queueSettings(options: QueueOptions) {
  requireOptions(options, 'The options of createQueue')
  refuseUnknown(options, optionNames, 'createQueue')
  const integer = (name: 'maxPendingMessages' | 'maxPendingBytes', fallback: number): number =>
    requireInteger(options[name] ?? fallback, name, { min: 1, max: Number.MAX_SAFE_INTEGER })
  const flag = (name: 'logFailures' | 'storeStacks'): boolean => {
    const value = options[name] ?? true
    requireBoolean(value, name)
    return value
  }
  return {
    group: options.group === undefined ? undefined : requireName(options.group, 'group'),
    source: requireSource(options.source ?? '/mq'),
    retry: retryPolicy(options.retry),
    publishTimeoutMs: requireDuration(options.publishTimeoutMs ?? 10_000, 'publishTimeoutMs', 1),
    operationTimeoutMs: requireDuration(options.operationTimeoutMs ?? 30_000, 'operationTimeoutMs', 1),
    stopTimeoutMs: requireDuration(options.stopTimeoutMs ?? 30_000, 'stopTimeoutMs'),
    maxPendingMessages: integer('maxPendingMessages', 10_000),
    maxPendingBytes: integer('maxPendingBytes', 64 * 1024 * 1024),
    logFailures: flag('logFailures'),
    storeStacks: flag('storeStacks'),
    log: guarded(options.log ?? consoleLog),
  }
}
