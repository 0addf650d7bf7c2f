// `npm run demo`: installs and builds what the demo needs, then runs it with the given arguments.
import { nodeProblem } from './lib/node-version.mjs'

const problem = nodeProblem(process.versions.node)
if (problem === undefined) {
  import('./lib/demo.mjs').then(({ demo }) => demo(process.argv.slice(2)))
} else {
  console.error(problem)
  process.exitCode = 1
}
