import { type MqError, withTimeout } from '@mq/core/adapter'
import { whereOf } from '../options/url.js'
import type { Settings } from '../options.js'
import { CommandError, connectError } from './errors.js'
import { createLink, type Link, type LinkEvents } from './link.js'
import { checkServer } from './start-checks.js'

/** The connections of the adapter itself. Its consumers share another one. */
export interface Connections {
  readonly commands: Link
  /** The same link as `commands`, unless publishes wait for copies: they would hold up all commands behind them. */
  readonly publishing: Link
  readonly warnings: readonly MqError[]
}

/** Opens the connections and checks the server. Leaves nothing open if it rejects. */
export async function openConnections(settings: Settings, events: LinkEvents): Promise<Connections> {
  const at = { where: whereOf(settings.address), timeoutMs: settings.connectTimeoutMs }
  const commands = createLink(settings, events)
  const publishing = settings.wait === undefined ? commands : createLink(settings)

  async function openAndCheck(): Promise<Connections> {
    await commands.open()
    const warnings = await checkServer(commands, settings)
    if (publishing !== commands) await publishing.open()
    return { commands, publishing, warnings }
  }
  try {
    return await withTimeout(openAndCheck(), at.timeoutMs + 500, () =>
      connectError(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }), at),
    )
  } catch (error) {
    commands.close()
    publishing.close()
    throw error instanceof CommandError ? connectError(error, at) : error
  }
}
