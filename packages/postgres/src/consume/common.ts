import type { AdapterEvent, MqError } from '@mq/core/adapter'
import type { Connection } from '../connection/connection.js'
import { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import { blockedReporter } from '../publish/blocked.js'
import { prepareTables } from '../topology/migrate.js'
import { Announcer } from './announcer.js'
import { Membership } from './membership.js'
import { Settler } from './settler.js'
import { Sweeper } from './sweeper.js'
import { takeStatements } from './take.js'
import { Watch } from './watch.js'

export interface CommonEvents {
  readonly onUp: () => void
  readonly onDown: (error: MqError) => void
  readonly report: (event: AdapterEvent) => void
}

/** The parts that all publishers and consumers of an adapter share. */
export type Common = ReturnType<typeof createCommon>

/** Creates the shared parts of an adapter. Nothing is connected yet. */
export function createCommon(settings: Settings, { onUp, onDown, report }: CommonEvents) {
  const link: Link = new Link(settings, {
    async prepare(connection: Connection) {
      await prepareTables(connection, settings)
      connection.onNotification((payload) => announcer.heard(payload))
      await membership.prepare(connection)
    },
    onUp() {
      watch.lookWithin(0)
      onUp()
    },
    onDown,
    onError: (error) => report({ type: 'error', error }),
  })
  const { schema } = settings
  const membership = new Membership(settings, link)
  const blocked = blockedReporter(report)
  const sweeper = new Sweeper(settings, link)
  const watch = new Watch({ settings, link, membership, blocked, sweeper, report })
  const announcer = new Announcer(settings, link, watch)
  const settler = new Settler({ schema, link, onError: (error) => report({ type: 'error', error }) })
  return {
    settings,
    link,
    membership,
    blocked,
    sweeper,
    watch,
    announcer,
    settler,
    take: takeStatements(schema),
    close(): void {
      watch.close()
      link.close()
    },
  }
}
