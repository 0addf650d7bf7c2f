import { escapeUnlessLines } from './escaped.js'
import { withoutSecrets } from './secrets.js'

/** How much of a stack a `settled` event and `onLastFailure` get. */
const maxStackLength = 8_192
/** How much of it is stored with a dead letter. */
export const maxDeadStackLength = 2_048

const maxHeadLength = 512
const maxCauses = 5
const firstFrame = /\n\s+at /

/** Cuts a stack and escapes the control characters in it, except line breaks and tabs. */
export function tidied(stack: string, maxLength: number): string {
  const shown = escapeUnlessLines(stack.slice(0, maxLength))
  const wellFormed = Buffer.from(shown).toString()
  if (stack.length <= maxLength && wellFormed.length <= maxLength) return wellFormed
  return `${wellFormed.slice(0, maxLength - 3).replace(/[\uD800-\uDBFF]$/, '')}...`
}

/**
 * Returns the stack of a thrown value with those of its causes, without passwords. Returns undefined if it has none. It never throws, not
 * even for an object with hostile getters.
 */
export function stackOf(error: unknown): string | undefined {
  const stacks: string[] = []
  try {
    collect(error, stacks, '')
  } catch {
    // An object that cannot be read. What was found so far is still of use.
  }
  return stacks.length === 0 ? undefined : tidied(stacks.join('\n'), maxStackLength)
}

function collect(error: unknown, stacks: string[], before: string): void {
  if (typeof error !== 'object' || error === null || stacks.length >= maxCauses) return
  const { stack, cause, errors } = error as { stack?: unknown; cause?: unknown; errors?: unknown }
  if (typeof stack === 'string' && stack !== '') stacks.push(`${before}${withShortHead(stack)}`)
  else if (before === '') return
  collect(cause, stacks, 'Caused by: ')
  if (Array.isArray(errors)) for (const one of errors.slice(0, maxCauses)) collect(one, stacks, 'One of: ')
}

/** Cuts the text of the error, which stands before the frames and may be very long. */
function withShortHead(stack: string): string {
  const at = firstFrame.exec(stack)?.index ?? stack.length
  const head = withoutSecrets(stack.slice(0, at))
  const shortHead = head.length > maxHeadLength ? `${head.slice(0, maxHeadLength - 3)}...` : head
  return shortHead + withoutSecrets(stack.slice(at, at + maxStackLength))
}
