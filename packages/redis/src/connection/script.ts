import { createHash } from 'node:crypto'

/** A Lua script. The broker runs it as one step: completely, or not at all if it fails before its first write. */
export interface Script {
  readonly source: string
  readonly sha: string
}

export type Argument = string | number | Buffer

/**
 * Creates a script. With `whenFull` it also runs while the broker's memory is full: a script that settles or removes messages must not
 * wait for memory that only settling frees.
 */
export function script(source: string, options: { readonly whenFull?: boolean } = {}): Script {
  const text = `#!lua${options.whenFull ? ' flags=allow-oom' : ''}\n${source.trim()}\n`
  return { source: text, sha: createHash('sha1').update(text).digest('hex') }
}
