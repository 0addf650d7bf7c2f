import { type PromiseNumber, promises } from '../promises.js'
import { type CaseResult, type ConformanceReport, countsOf } from './report.js'

const marks = { passed: '✔', failed: '✖', 'not run': '–', 'not applicable': '·' } as const

/** Returns a line for each case, then the failures, then the totals. */
export function textReport(report: ConformanceReport): string {
  const lines = report.results.map(resultLine)
  const failures = report.results.filter(({ status }) => status === 'failed')
  const details = failures.flatMap(({ id, title, error }) => ['', `${id} ${title}`, indented(error?.stack ?? '')])
  return [heading(report), '', ...lines, ...details, '', sums(report)].join('\n')
}

export function resultLine({ id, title, status, reason, durationMs }: CaseResult): string {
  const why = reason === undefined ? '' : `: ${reason}`
  const took = status === 'passed' || status === 'failed' ? ` (${durationMs} ms)` : ` (${status})`
  return `${marks[status]} ${id} ${title}${took}${why}`
}

const heading = ({ adapter, broker, suite, node, seed }: ConformanceReport): string =>
  `${adapter}${broker === undefined ? '' : ` on ${broker}`}, conformance suite ${suite}, Node ${node}, seed ${seed}`

function sums(report: ConformanceReport): string {
  const { passed, failed, notRun, notApplicable } = countsOf(report.results)
  const verdict = report.holds ? 'Every promise that was tested holds' : 'The suite does not hold'
  const seconds = (report.durationMs / 1_000).toFixed(1)
  return `${verdict}: ${passed} passed, ${failed} failed, ${notRun} not run, ${notApplicable} not applicable in ${seconds} s`
}

const indented = (text: string): string => text.replace(/^/gm, '    ')

/** Returns the report as JSON, with errors as name and text. */
export function jsonReport(report: ConformanceReport): string {
  const results = report.results.map(({ error, ...result }) => ({
    ...result,
    ...(error && { error: { name: error.name, message: error.message } }),
  }))
  // JSON has no infinity; a capability without a limit has the largest number instead.
  const finite = (_: string, value: unknown): unknown => (value === Number.POSITIVE_INFINITY ? Number.MAX_VALUE : value)
  return `${JSON.stringify({ ...report, results }, finite, 2)}\n`
}

/** Returns a Markdown table for a README, with a row per promise and a column per adapter. */
export function markdownMatrix(reports: readonly ConformanceReport[]): string {
  const names = reports.map(({ adapter, broker }) => (broker === undefined ? adapter : `${adapter} (${broker})`))
  const numbers = Object.keys(promises).map(Number) as PromiseNumber[]
  const rows = numbers.map((number) => {
    const cells = reports.map((report) => cell(report.results.filter((result) => result.promises.includes(number))))
    return `| ${number} | ${promises[number]} | ${cells.join(' | ')} |`
  })
  const rule = `|---|---|${'---|'.repeat(names.length)}`
  return [`| | promise | ${names.join(' | ')} |`, rule, ...rows, ''].join('\n')
}

function cell(results: readonly CaseResult[]): string {
  const { passed, failed, notRun, notApplicable } = countsOf(results)
  if (failed > 0) return `broken: ${results.flatMap(({ id, status }) => (status === 'failed' ? [id] : [])).join(', ')}`
  if (passed === 0) return notRun > 0 ? 'not run' : notApplicable > 0 ? 'not applicable' : 'no case'
  return notRun > 0 ? `holds in ${passed} cases, ${notRun} not run` : `holds in ${passed} cases`
}
