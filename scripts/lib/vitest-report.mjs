import { relative, sep } from 'node:path'

/**
 * Counts the tests of vitest's JSON report and finds failures that it does not count. These are a file that could not be loaded, an
 * error outside of a test, a missing report and a run without tests. Each has its reason in `problems`.
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

/**
 * Divides the time of vitest's JSON report by package, the longest first. Files run side by side, so the sum is more than the time
 * of the run.
 *
 * @param {{ report: any, root: string }} run
 * @returns {{ name: string, files: number, ms: number }[]}
 */
export function timesByPackage({ report, root }) {
  const packages = new Map()
  for (const { name: path, startTime, endTime } of report?.testResults ?? []) {
    const [first = '', second = ''] = relative(root, path).split(sep)
    const name = first === 'packages' || first === 'apps' ? `${first}/${second}` : first
    const found = packages.get(name) ?? { name, files: 0, ms: 0 }
    packages.set(name, { name, files: found.files + 1, ms: found.ms + endTime - startTime })
  }
  return [...packages.values()].sort((one, other) => other.ms - one.ms)
}
