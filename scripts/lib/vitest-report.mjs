/**
 * Counts what vitest's JSON report says, and does not believe it alone: a file that could not be loaded, an error outside of
 * a test, no report at all and a run without a single passed test are failures too, each with its reason in `problems`.
 *
 * @param {{ report: any, code: number, problem?: string }} run
 */
export function countVitest({ report, code, problem }) {
  if (report === undefined) {
    return { passed: 0, failed: 1, skipped: 0, problems: [problem ?? `vitest left no report (exit code ${code})`] }
  }
  const files = report.testResults ?? []
  const tests = files.flatMap((file) => file.assertionResults ?? [])
  const count = (...statuses) => tests.filter((test) => statuses.includes(test.status)).length
  const passed = count('passed')
  const failedTests = count('failed')
  const skipped = count('pending', 'skipped', 'todo', 'disabled')

  const problems = files
    .filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'))
    .map((file) => `${file.name} failed outside of its tests`)
  const unknown = tests.length - passed - failedTests - skipped
  if (unknown > 0) problems.push(`${unknown} tests neither passed nor failed nor were skipped`)
  if (passed + failedTests === 0) problems.push('no test was run')
  if (code !== 0 && failedTests + problems.length === 0) {
    problems.push(problem ?? `vitest ended with exit code ${code}, without a failed test`)
  }
  return { passed, failed: failedTests + problems.length, skipped, problems }
}
