import { resolve } from 'node:path'
import { MqError } from '@mq/core/adapter'

/**
 * - `folder`: holds all topics and groups. It is created if it does not exist.
 * - `leaseMs`: how long a consumer may be silent before others take its messages. Default: 10 s.
 * - `pollMs`: how often a consumer looks for messages. Default: 50 ms.
 * @typedef {{ folder: string, leaseMs?: number, pollMs?: number }} FolderOptions
 */

/** Throws a `TypeError` for a wrong type and `MQ_INVALID_OPTION` for a bad value. @param {FolderOptions} options @returns {Required<FolderOptions>} */
export function settingsOf(options) {
  if (typeof options?.folder !== 'string')
    throw new TypeError("A folder is needed: folder({ folder: '/var/lib/queues' })")
  const { folder, leaseMs = 10_000, pollMs = 50, ...others } = options
  for (const name of Object.keys(others)) throw new MqError('MQ_INVALID_OPTION', `There is no option '${name}'`)
  for (const [name, value] of Object.entries({ leaseMs, pollMs })) {
    if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
    if (!(value >= 10 && value <= 86_400_000))
      throw new MqError('MQ_INVALID_OPTION', `${name} is from 10 to 86,400,000`)
  }
  return { folder: resolve(folder), leaseMs, pollMs }
}
