import type { Page } from '@mq/core'
import type { Command } from 'commander'
import { requireCount } from './duration.js'

/** The most that one call lists. */
const maxPage = 1_000

/** The part of a list that is asked for. */
export interface Part {
  readonly limit: number
  readonly after: string | undefined
}

/** Adds the options with which a list goes on where it ended. */
export const withPages = (command: Command): Command =>
  command
    .option('--limit <count>', 'how many at most', '100')
    .option('--after <next>', 'go on behind the part that ended with this')

export function partOf(command: Command): Part {
  const { limit, after } = command.opts<{ limit: string; after?: string }>()
  return { limit: requireCount(limit, '--limit'), after }
}

/** Reads pages until there are so many items, no more follow, or the signal aborts. */
export async function readPages<Item>(
  page: (options: { readonly limit: number; readonly after?: string | undefined }) => Promise<Page<Item>>,
  { limit, after }: Part,
  signal: AbortSignal,
): Promise<Page<Item>> {
  const items: Item[] = []
  let next = after
  do {
    const found = await page({ limit: Math.min(maxPage, limit - items.length), after: next })
    items.push(...found.items)
    next = found.next
  } while (next !== undefined && items.length < limit && !signal.aborted)
  return { items, ...(next !== undefined && { next }) }
}
