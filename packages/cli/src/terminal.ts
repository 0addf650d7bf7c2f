import type { AdapterFactory } from '@mq/core'

/** A stream that text is written to, `process.stdout` for example. */
export interface Output {
  readonly isTTY?: boolean | undefined
  write(text: string): boolean
  once(event: 'drain' | 'close' | 'error', listener: () => void): unknown
  off(event: 'drain' | 'close' | 'error', listener: () => void): unknown
}

/** The stream that data is read from, `process.stdin` for example. */
export interface Input extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean | undefined
}

/** The process around a command. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  /** The adapters that need not be loaded. */
  readonly adapters: readonly AdapterFactory[]
  /** Aborts when the command should end after its current part. */
  readonly signal: AbortSignal
}
