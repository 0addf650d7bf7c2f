import { createHash } from 'node:crypto'

/** A Lua script. It runs as one step at the broker: all of it, or where it fails at the start, nothing. */
export interface Script {
  readonly source: string
  readonly sha: string
}

/**
 * With `whenFull` it also runs while the broker refuses to grow: what settles or removes messages must not wait for memory that
 * only settling frees.
 */
export function script(source: string, options: { readonly whenFull?: boolean } = {}): Script {
  const text = `#!lua${options.whenFull ? ' flags=allow-oom' : ''}\n${source.trim()}\n`
  return { source: text, sha: createHash('sha1').update(text).digest('hex') }
}
