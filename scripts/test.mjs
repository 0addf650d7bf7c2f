// `npm test`: installs, builds, and runs every check and every test. Arguments are passed to vitest.
import { nodeProblem } from './lib/node-version.mjs'

const problem = nodeProblem(process.versions.node)
if (problem === undefined) {
  import('./lib/test.mjs').then(({ test }) => test(process.argv.slice(2)))
} else {
  console.error(problem)
  console.log('0 passed, 1 failed, 0 skipped')
  process.exitCode = 1
}
