import type { PageOptions } from '../options.js'
import { isBytes } from '../text/json.js'

/** The data of a message as the page may show it, and the way to show its other texts. */
export interface Shown {
  readonly data: unknown
  /** True if something is not shown. */
  readonly isHidden: boolean
  /** Hides what was hidden in the data in a text of the same message. */
  text(text: string): string
}

/** Hides data of a topic. `undefined` stands for bytes that cannot be decoded. */
export type Hide = (data: unknown, topic: string) => Shown

const mark = '•••'
const failed: Shown = { data: '(hidden, because redact has failed)', isHidden: true, text: () => mark }
const unreadable: Shown = { data: '(hidden, because it cannot be decoded)', isHidden: true, text: () => mark }
const tooLarge: Shown = { data: '(hidden, because it has too many parts)', isHidden: true, text: () => mark }
const all = (data: unknown): Shown => ({ data, isHidden: false, text: (text) => text })

/** Creates the function that hides data. Without `redact` it hides nothing. */
export function createHider(redact: PageOptions['redact']): Hide {
  if (redact === undefined) return all
  return (data, topic) => {
    if (data === undefined) return unreadable
    try {
      const hidden = redact(structuredClone(data), { topic })
      const before = leavesOf(data)
      const after = leavesOf(hidden)
      if (before === undefined || after === undefined) return tooLarge
      const gone = [...before].filter((leaf) => !after.has(leaf)).sort((one, other) => other.length - one.length)
      return { data: hidden, isHidden: gone.length > 0, text: (text) => withoutAll(text, gone) }
    } catch {
      return failed
    }
  }
}

/** Texts of one or two characters occur everywhere, and would make every other text unreadable. */
const minLength = 3
const maxLeaves = 20_000

function leavesOf(value: unknown): ReadonlySet<string> | undefined {
  const leaves = new Set<string>()
  const open: unknown[] = [value]
  for (let at = 0; at < open.length; at += 1) {
    if (open.length > maxLeaves) return undefined
    const one = open[at]
    if (isBytes(one)) leaves.add(Buffer.from(one).toString())
    else if (typeof one === 'object' && one !== null) open.push(...Object.values(one))
    else if (one !== null && one !== undefined && typeof one !== 'boolean') leaves.add(String(one))
  }
  return leaves
}

function withoutAll(text: string, gone: readonly string[]): string {
  let shown = text
  for (const leaf of gone) if (leaf.length >= minLength) shown = replaced(shown, leaf)
  return shown
}

/** A text may have the value in another case, as addresses in the answers of mail servers have. */
const replaced = (text: string, leaf: string): string =>
  text.replace(new RegExp(leaf.replace(/[.*+?^$(){}|[\]\\]/g, '\\$&'), 'gi'), mark)
