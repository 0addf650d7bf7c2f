import { createHash } from 'node:crypto'
import type { VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'

/** The parts of a page that change while it is open, by the ids of their elements. */
export type Cells = Readonly<Record<string, VNode>>

/** Makes the id of an element for a part of a group. Names of topics may have any character, so the id has a hash of them. */
export function cellId(part: string, topic: string, group = ''): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([topic, group]))
    .digest('base64url')
    .slice(0, 12)
  return `${part}-${hash}`
}

/** Renders each part. */
export const renderCells = (cells: Cells): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(cells).map(([id, node]) => [id, renderToString(node)]))
