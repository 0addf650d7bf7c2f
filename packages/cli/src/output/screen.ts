import { styleText } from 'node:util'
import type { Output } from '../terminal.js'
import { safeJson } from './escape.js'
import { type TableOptions, table } from './table.js'

/** The places that a command writes to. Data goes to stdout, and everything else to stderr. */
export interface Screen {
  readonly isTerminal: boolean
  readonly isErrorTerminal: boolean
  /** Writes lines of data. Resolves when the reader has taken enough of them for more. */
  line(text: string): Promise<void>
  json(value: unknown): Promise<void>
  table(options: Omit<TableOptions, 'bold'>): Promise<void>
  /** Replaces everything on a terminal, and writes the text below the last one elsewhere. */
  page(text: string): Promise<void>
  layOut(options: Omit<TableOptions, 'bold'>): string
  bold(text: string): string
  /** Writes a line for people to stderr. */
  note(text: string): void
  /** Writes to stderr as it is. */
  error(text: string): void
}

interface ScreenOptions {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
}

export function createScreen({ stdout, stderr, env }: ScreenOptions): Screen {
  const isTerminal = stdout.isTTY === true
  const isBold = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'
  const bold = (text: string): string => (isBold ? styleText('bold', text) : text)

  async function write(text: string): Promise<void> {
    if (stdout.write(text)) return
    await new Promise<void>((resolve) => {
      const events = ['drain', 'close', 'error'] as const
      const done = (): void => {
        for (const event of events) stdout.off(event, done)
        resolve()
      }
      for (const event of events) stdout.once(event, done)
    })
  }

  const layOut = (options: Omit<TableOptions, 'bold'>): string => table({ ...options, bold })

  return {
    isTerminal,
    isErrorTerminal: stderr.isTTY === true,
    line: (text) => write(`${text}\n`),
    json: (value) => write(`${safeJson(value)}\n`),
    table: (options) => write(`${layOut(options)}\n`),
    page: (text) => write(isTerminal ? `\u001b[H\u001b[2J${text}\n` : `${text}\n`),
    layOut,
    bold,
    note: (text) => void stderr.write(`${text}\n`),
    error: (text) => void stderr.write(text),
  }
}
