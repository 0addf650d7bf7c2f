import { createHash } from 'node:crypto'
import { CommandError } from './errors.js'

/** A Lua script. The broker runs it as one step: completely, or not at all if it fails before its first write. */
export interface Script {
  readonly source: string
  readonly sha: string
}

export type Argument = string | number | Buffer

type Send = (command: string, args: readonly Argument[]) => Promise<unknown>

/**
 * Runs a script. Sends it once more, with its source, if the broker does not know it. Calls `onSent` right after each sending, before
 * anything else can be sent; the last call belongs to the sending that counted. Rejects with a `CommandError`.
 */
export type RunScript = (
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
  onSent?: () => void,
) => Promise<unknown>

/**
 * Creates a script. With `whenFull` it also runs while the broker's memory is full: a script that settles or removes messages must not
 * wait for memory that only settling frees.
 */
export function script(source: string, options: { readonly whenFull?: boolean } = {}): Script {
  const text = `#!lua${options.whenFull ? ' flags=allow-oom' : ''}\n${source.trim()}\n`
  return { source: text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Creates the function that runs scripts over a connection. */
export const scriptRunner =
  (send: Send): RunScript =>
  async (script, keys, args, onSent) => {
    const rest = [keys.length, ...keys, ...args]
    const sendAs = (command: string, shaOrSource: string): Promise<unknown> => {
      const reply = send(command, [shaOrSource, ...rest])
      onSent?.()
      return reply
    }
    try {
      return await sendAs('EVALSHA', script.sha)
    } catch (error) {
      if (!(error instanceof CommandError) || error.word !== 'NOSCRIPT') throw error
      return await sendAs('EVAL', script.source)
    }
  }
