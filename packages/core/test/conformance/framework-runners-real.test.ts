import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import { workspaceNode } from '../../../test-brokers/src/child.js'
import { allCases } from '../../src/conformance/cases/index.js'
import { loadSubject } from '../../src/conformance/runner/environment.js'
import { withoutRun } from '../../src/conformance/runner/run-case.js'
import { embedded } from './support/cases.js'

/** The result of the suite on this subject, under every runner. */
async function expected(): Promise<{ readonly passed: number; readonly skipped: number }> {
  const loaded = await loadSubject({ adapter: embedded, options: { url: 'memory:' } })
  const skipped = allCases.filter((one) => withoutRun(one, loaded, {}) !== undefined).length
  return { passed: allCases.length - skipped, skipped }
}

interface Ended {
  readonly code: number
  readonly output: string
}

function run(...args: readonly string[]): Promise<Ended> {
  const { VITEST: _, NODE_OPTIONS: __, NODE_ENV: ___, NODE_TEST_CONTEXT: ____, ...env } = process.env
  return new Promise((resolve) => {
    const options = { env: { ...env, ...workspaceNode.env }, timeout: 120_000 }
    execFile(process.execPath, [...workspaceNode.args, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    )
  })
}

const support = (file: string): string => fileURLToPath(new URL(`support/${file}`, import.meta.url))

describe.concurrent('the same cases run', () => {
  it('under node:test', async ({ expect }) => {
    const { passed, skipped } = await expected()
    const { code, output } = await run('--test', '--test-reporter=tap', support('runner-node.ts'))
    expect(code, output).toBe(0)
    expect(output).toContain('conformance of memory (seed 7)')
    expect(output).toMatch(new RegExp(`^# pass ${passed}$`, 'm'))
    expect(output).toMatch(/^# fail 0$/m)
    expect(output).toMatch(new RegExp(`^# skipped ${skipped}$`, 'm'))
  }, 130_000)

  it('under mocha', async ({ expect }) => {
    const { passed, skipped } = await expected()
    const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js')
    const { code, output } = await run(mocha, '--reporter=json', support('runner-mocha.ts'))
    expect(code, output).toBe(0)
    const { stats } = JSON.parse(output.slice(output.indexOf('{'))) as { stats: Record<string, number> }
    expect(stats).toMatchObject({ passes: passed, failures: 0, pending: skipped })
  }, 130_000)
})
