import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../repeat.mjs', import.meta.url))

interface Repeated {
  readonly code: number
  readonly output: string
  /** The text of the standard output. */
  readonly lastLine: string | undefined
}

function repeat(...args: readonly string[]): Promise<Repeated> {
  const { VITEST: _, NODE_ENV: __, ...env } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env, timeout: 100_000 }, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : Number(error.code ?? 1),
        output: stdout + stderr,
        lastLine: stdout.trimEnd().split('\n').at(-1),
      }),
    )
  })
}

describe('pnpm repeat', () => {
  it('runs the selection that many times, and ends with a line that says so', async () => {
    const { code, output, lastLine } = await repeat('2', '--project', 'scripts', 'node-version')
    expect(code, output).toBe(0)
    expect(output.match(/Test Files .*1 passed/g)).toHaveLength(2)
    expect(lastLine).toBe('2 of 2 green')
  }, 110_000)

  it('stops at the first failure, and says how far it came', async () => {
    const { code, lastLine } = await repeat('5', '--project', 'scripts', 'no-such-file')
    expect(code).toBe(1)
    expect(lastLine).toBe('round 1 of 5 failed; 0 were green')
  }, 110_000)

  it.each([[], ['often'], ['0'], ['2.5']])('says how it is called: %s', async (...args) => {
    const { code, output } = await repeat(...args)
    expect(code).toBe(2)
    expect(output).toContain('Usage: pnpm repeat <n>')
  })
})
