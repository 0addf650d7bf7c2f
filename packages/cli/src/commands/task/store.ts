import type { TaskStore } from '@mq/core'
import { usageFailure } from '../../exit-codes.js'
import type { Session } from '../../session.js'
import { loadPackage } from '../load-package.js'

/** A store that has to be closed. */
export interface OpenStore extends TaskStore {
  disconnect(): Promise<void>
}

type OpenByUrl = (options: { readonly url: string }) => OpenStore

/** The kinds of stores, by the scheme of a URL. */
const kinds: readonly { readonly scheme: RegExp; readonly open: () => Promise<OpenByUrl> }[] = [
  {
    scheme: /^rediss?(\+unix)?:/i,
    open: async () =>
      (await loadPackage<{ readonly redisStore: OpenByUrl }>('@mq/redis', 'A store in Redis')).redisStore,
  },
  {
    scheme: /^postgres(ql)?:/i,
    open: async () =>
      (await loadPackage<{ readonly postgresStore: OpenByUrl }>('@mq/postgres', 'A store in PostgreSQL')).postgresStore,
  },
]

/** Opens the store that is named, or that of the queue if its broker can be one. Returns undefined if there is none. */
export async function openStore(session: Session, given: string | undefined): Promise<OpenStore | undefined> {
  const named = given ?? (session.env.MQ_STORE_URL || undefined)
  const url = named ?? session.url()
  const kind = kinds.find(({ scheme }) => scheme.test(url))
  if (kind !== undefined) return (await kind.open())({ url })
  if (named === undefined) return undefined
  throw usageFailure('--store is the URL of a Redis or a PostgreSQL, as in redis://localhost:6379')
}
