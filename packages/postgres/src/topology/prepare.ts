import { MqError, withTimeout } from '@mq/core/adapter'
import { openConnection, wrapPooled } from '../connection/connection.js'
import { connectError } from '../connection/errors.js'
import { whereOf } from '../options/url.js'
import type { Settings } from '../options.js'
import { prepareTables } from './migrate.js'

/** Makes or raises the tables by a connection of its own. Rejects with the errors of `Adapter.connect`. */
export async function prepareByItself(settings: Settings): Promise<void> {
  const { pool, connectTimeoutMs, address } = settings
  const where = whereOf(address)
  const late = (): MqError =>
    new MqError('MQ_CONNECT_TIMEOUT', `PostgreSQL at ${where} did not answer within ${connectTimeoutMs} ms`)
  try {
    const client = pool && (await withTimeout(pool.connect(), connectTimeoutMs, late))
    const connection =
      client === undefined ? await openConnection(settings, { isConsuming: true }) : wrapPooled(client, settings)
    try {
      await prepareTables(connection, settings)
    } finally {
      if (client === undefined) connection.close()
      else if (connection.isOpen) client.release()
    }
  } catch (error) {
    throw connectError(error, where)
  }
}
