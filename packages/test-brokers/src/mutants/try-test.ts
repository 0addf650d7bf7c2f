import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../../../scripts/lib/run.mjs'
import { tool } from '../../../../scripts/lib/toolchain.mjs'
import type { Kind } from '../kinds.js'

export interface TestOptions {
  /** The folder of the repository's copy, whose sources have the fault. */
  readonly copy: string
  readonly kind: Kind
  readonly test: { readonly file: string; readonly title: string }
}

interface VitestReport {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

export interface TestVerdict {
  readonly caughtBy?: string
  readonly reason?: string
  /** Says why the test could not be run. */
  readonly omitted?: string
}

const timeoutMs = 300_000

/** Runs one of the adapter's own tests. A test that does not end counts as failed. */
export async function tryTest({ copy, kind, test }: TestOptions): Promise<TestVerdict> {
  const reportPath = join(copy, 'mutant-test.json')
  const title = test.title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const [program, ...args] = tool('vitest', 'vitest', ['run', '--root', copy, '--project', kind])
  const selection = [test.file, '--testNamePattern', title, '--reporter=json', `--outputFile.json=${reportPath}`]
  const result = await run(program, [...args, ...selection], { cwd: copy, timeoutMs })
  const report = existsSync(reportPath) ? (JSON.parse(readFileSync(reportPath, 'utf8')) as VitestReport) : undefined
  const all = report?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? []
  const failed = all.find(({ status }) => status === 'failed')
  if (failed !== undefined) {
    return { caughtBy: `${test.file} > ${test.title}`, reason: failed.failureMessages.join('\n') }
  }
  if (result.problem !== undefined) return { caughtBy: `${test.file} > ${test.title}`, reason: result.problem }
  if (all.some(({ status }) => status === 'passed') && result.code === 0) return {}
  const why = report?.testResults.map(({ message }) => message).find(Boolean) ?? result.output
  return { omitted: `${test.file} > ${test.title} could not be run: ${why}` }
}
