import { inspect } from 'node:util'
import { causesOf } from '../kit/failure-text.js'
import { type PromiseNumber, promises } from '../promises.js'
import { type CaseResult, type ConformanceReport, countsOf } from './report.js'

const marks = { passed: '✔', failed: '✖', 'not run': '–', 'not applicable': '·' } as const

/** Returns a line for each case, then the failures, then the totals. */
export function textReport(report: ConformanceReport): string {
  const lines = report.results.map(resultLine)
  const failures = report.results.filter(({ status }) => status === 'failed')
  const details = failures.flatMap(({ id, title, promises: numbers, error }) => [
    '',
    `${id} ${title}`,
    ...numbers.map((number) => `    breaks promise ${number}: ${promises[number]}`),
    indented(error === undefined ? '' : [error.stack, ...causesOf(error).map(causeText)].join('\n')),
  ])
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

const causeText = (cause: unknown): string =>
  `Caused by: ${cause instanceof Error ? (cause.stack ?? String(cause)) : inspect(cause)}`

const indented = (text: string): string => text.replace(/^/gm, '    ')

/** Returns the report as JSON. Errors have a name, a text and their causes. */
export function jsonReport(report: ConformanceReport): string {
  const results = report.results.map(({ error, ...result }) => ({
    ...result,
    ...(error && { error: errorJson(error) }),
  }))
  // JSON has no infinity; a capability without a limit has the largest number instead.
  const finite = (_: string, value: unknown): unknown => (value === Number.POSITIVE_INFINITY ? Number.MAX_VALUE : value)
  return `${JSON.stringify({ ...report, results }, finite, 2)}\n`
}

function errorJson(error: Error) {
  const causes = causesOf(error).map((cause) =>
    cause instanceof Error ? { name: cause.name, message: cause.message } : { message: inspect(cause) },
  )
  return { name: error.name, message: error.message, ...(causes.length > 0 && { causes }) }
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
  const { passed, refused, failed, notRun, notApplicable } = countsOf(results)
  const held = passed - refused
  if (failed > 0) return `broken: ${results.flatMap(({ id, status }) => (status === 'failed' ? [id] : [])).join(', ')}`
  if (held === 0 && refused > 0) return 'refused'
  if (held === 0) return notRun > 0 ? 'not run' : notApplicable > 0 ? 'not applicable' : 'no case'
  const holds = `holds in ${held} ${held === 1 ? 'case' : 'cases'}`
  return notRun > 0 ? `${holds}, ${notRun} not run` : holds
}
