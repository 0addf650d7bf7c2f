import { createInterface } from 'node:readline/promises'
import { CommandFailure, exitCode, usageFailure } from '../exit-codes.js'
import type { Input, Terminal } from '../terminal.js'

interface Question extends Pick<Terminal, 'stdin' | 'stderr' | 'signal'> {
  readonly isYes: boolean
  /** The question without its answers, such as "Remove 3 dead letters?". */
  readonly text: string
}

/** Resolves if the answer is yes. Without a terminal there is nobody to answer, so the command is refused unless `--yes` is given. */
export async function requireYes({ isYes, text, stdin, stderr, signal }: Question): Promise<void> {
  if (isYes) return
  if (stdin.isTTY !== true) throw usageFailure(`${text} There is no terminal to ask on; give --yes to do it`)
  const answer = await ask(text, { stdin, stderr, signal })
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure(exitCode.failed, 'Nothing was done')
}

async function ask(text: string, { stdin, stderr, signal }: Omit<Question, 'isYes' | 'text'>): Promise<string> {
  const lines = createInterface({ input: stdin as Input & NodeJS.ReadableStream, terminal: false })
  stderr.write(`${text} [y/N] `)
  try {
    // Also ends with the input, which counts as no.
    return await new Promise<string>((resolve) => {
      lines.once('line', resolve)
      lines.once('close', () => resolve(''))
      signal.addEventListener('abort', () => lines.close(), { once: true })
    })
  } finally {
    lines.close()
  }
}
