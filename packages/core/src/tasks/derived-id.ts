import { createHash } from 'node:crypto'
import { isShortText } from '../contract/names.js'

/** Derives an id: the same two texts always give the same one. It is readable unless it would be too long. */
export function derivedId(id: string, suffix: string): string {
  const derived = `${id}/${suffix}`
  return isShortText(derived) ? derived : hashOf(derived)
}

/** Returns the key of a message as it can be published: messages of another program may have a key that a publish would refuse. */
export const passedOnKey = (key: string): string => (isShortText(key) ? key : hashOf(key))

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
