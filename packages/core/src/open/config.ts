import { shown } from '../contract/checks/shown.js'
import { MqError } from '../contract/errors.js'
import { requireName, requireSource } from '../contract/names.js'
import type { QueueOptions } from '../contract/queue.js'
import { adapterRequest } from './queue-address.js'

/** The configuration of a queue, for `openQueue(config.url, config.options)`. */
export interface QueueConfig {
  readonly url: string
  readonly options: QueueOptions
}

const durations = {
  MQ_PUBLISH_TIMEOUT_MS: 'publishTimeoutMs',
  MQ_OPERATION_TIMEOUT_MS: 'operationTimeoutMs',
  MQ_STOP_TIMEOUT_MS: 'stopTimeoutMs',
} as const satisfies Readonly<Record<string, keyof QueueOptions>>

const otherNames = ['MQ_URL', 'MQ_GROUP', 'MQ_SOURCE'] as const

type ConfigVariable = (typeof otherNames)[number] | keyof typeof durations

/**
 * Reads the configuration from `MQ_URL`, `MQ_GROUP`, `MQ_SOURCE`, `MQ_PUBLISH_TIMEOUT_MS`, `MQ_OPERATION_TIMEOUT_MS` and
 * `MQ_STOP_TIMEOUT_MS`. An empty variable counts as absent.
 *
 * Throws `MQ_INVALID_CONFIG` if a value cannot be used, or if `MQ_URL` is missing and `defaults` has no `url`. The error names the variable
 * and never shows the URL.
 */
export function queueConfigFromEnv(
  env: Readonly<Record<string, string | undefined>> = process.env,
  defaults: { readonly url?: string | undefined } = {},
): QueueConfig {
  const read = (name: ConfigVariable): string | undefined => env[name]?.trim() || undefined
  const url = read('MQ_URL') ?? defaults.url
  if (url === undefined)
    throw invalid('MQ_URL', "is not set; it says where the queue is, as in 'redis://localhost:6379'")
  checked('MQ_URL', () => adapterRequest(url))
  const group = read('MQ_GROUP')
  const source = read('MQ_SOURCE')
  if (group !== undefined) checked('MQ_GROUP', () => requireName(group, 'group'))
  if (source !== undefined) checked('MQ_SOURCE', () => requireSource(source))
  const times = Object.entries(durations).flatMap(([name, option]) => {
    const text = read(name as keyof typeof durations)
    return text === undefined ? [] : [[option, milliseconds(name, text)]]
  })
  return {
    url,
    options: { ...(group && { group }), ...(source && { source }), ...Object.fromEntries(times) },
  }
}

/** The variables that `queueConfigFromEnv` reads. */
export const configVariables: readonly string[] = [...otherNames, ...Object.keys(durations)]

function milliseconds(name: string, text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw invalid(name, `must be a whole number of milliseconds, not ${shown(text)}`)
  return Number(text)
}

function checked(name: string, check: () => unknown): void {
  try {
    check()
  } catch (error) {
    throw invalid(name, `cannot be used: ${(error as Error).message}`)
  }
}

const invalid = (name: string, why: string): MqError => new MqError('MQ_INVALID_CONFIG', `${name} ${why}`)
