import type { OptionalCapability } from '../../../adapter.js'
import type { Capabilities, MessageState, Page, Queue, WaitingMessage } from '../../../index.js'
import type { Kit } from '../../kit/kit.js'

/** A check for `unless`: the case needs all of these capabilities. */
export const withoutAbilities =
  (...abilities: readonly OptionalCapability[]) =>
  (capabilities: Capabilities): string | undefined => {
    const missing = abilities.filter((ability) => !capabilities[ability])
    return missing.length === 0 ? undefined : `its capabilities have no ${missing.join(', ')}`
  }

/** Follows the pages of a list to its end. */
export async function allPages<Item>(
  page: (after: string | undefined) => Promise<Page<Item>>,
): Promise<readonly Item[]> {
  const items: Item[] = []
  let after: string | undefined
  for (let pages = 0; pages < maxPages; pages++) {
    const { items: more, next } = await page(after)
    items.push(...more)
    if (next === undefined) return items
    after = next
  }
  throw new Error(`The list has no end after ${maxPages} pages and ${items.length} items`)
}

const maxPages = 500

export interface WaitingOf {
  readonly topic: string
  readonly group?: string
  readonly state?: MessageState
  /** The length of a page. */
  readonly limit?: number
}

export const waitingOf = (
  queue: Queue,
  { topic, group = 'g', ...options }: WaitingOf,
): Promise<readonly WaitingMessage[]> =>
  allPages((after) => queue.waiting(topic, group).list({ ...options, ...(after !== undefined && { after }) }))

/** Waits until a group lists so many messages of one state, and returns them. */
export async function untilWaiting(
  kit: Kit,
  queue: Queue,
  { count, ...wanted }: WaitingOf & { readonly count: number },
): Promise<readonly WaitingMessage[]> {
  let seen: readonly WaitingMessage[] = []
  const isThere = async (): Promise<boolean> => {
    seen = await waitingOf(queue, wanted)
    return seen.length === count
  }
  const what = (): string => `${count} messages that are ${wanted.state ?? 'ready'}; there are ${seen.length}`
  await kit.until(what, isThere, { timeoutMs: 20_000 * kit.patience + kit.capabilities.delayResolutionMs })
  return seen
}
