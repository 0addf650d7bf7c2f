import { pathToFileURL } from 'node:url'
import { child } from '../child.js'
import { until } from '../run/wait.js'
import type { Stage } from './stage.js'
import type { Program, Report } from './wire.js'

export interface CasesOptions {
  /** The folder of the repository's copy, whose sources have the fault. */
  readonly copy: string
  readonly stage: Stage
  readonly program: Program
  readonly timeoutMs: number
}

/** Says which case failed first and why, or that none did. */
export interface CasesVerdict {
  readonly caughtBy?: string
  readonly reason?: string
  readonly passed: number
  /** The cases that were not run, each with the reason. */
  readonly omitted: readonly string[]
}

/** Runs cases in a process of its own, up to the first that fails. A process that ends early or does not end counts as a failure. */
export async function tryCases({ copy, stage, program, timeoutMs }: CasesOptions): Promise<CasesVerdict> {
  const brokers = stage.attend()
  const runner = await child<Report>(pathToFileURL(`${copy}/packages/test-brokers/src/mutants/run-cases.ts`), {
    env: { TSX_TSCONFIG_PATH: `${copy}/tsconfig.json` },
    onReport(report) {
      if (report.type === 'call') void brokers.answer(report).then((answer) => runner.send(answer))
    },
  })
  let hasEnded = false
  void runner.exited.then(() => {
    hasEnded = true
  })
  runner.send({ type: 'run', program })
  const isOver = (): boolean =>
    hasEnded || runner.reported().some((report) => report.type === 'end' || isFailure(report))
  const isLate = await until(isOver, { what: 'the cases to end', timeoutMs }).then(
    () => false,
    () => true,
  )
  await runner.kill()
  await brokers.end()
  await stage.recover()
  return verdictOn(runner.reported(), isLate ? 'They did not end in time' : `The process ended: ${runner.output()}`)
}

const isFailure = (report: Report): report is Report & { readonly type: 'result' } =>
  report.type === 'result' && report.status === 'failed'

function verdictOn(reports: readonly Report[], otherwise: string): CasesVerdict {
  const results = reports.filter((report) => report.type === 'result')
  const passed = results.filter(({ status }) => status === 'passed').length
  const omitted = results.filter(({ status }) => status.startsWith('not')).map(({ id, reason }) => `${id}: ${reason}`)
  const failed = reports.find(isFailure)
  if (failed !== undefined) return { caughtBy: failed.id, reason: failed.reason, passed, omitted }
  const end = reports.find((report) => report.type === 'end')
  if (end !== undefined && end.error === undefined) return { passed, omitted }
  return { caughtBy: 'the process of the cases', reason: end?.error ?? otherwise.slice(0, 2_000), passed, omitted }
}
