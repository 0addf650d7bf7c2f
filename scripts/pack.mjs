// `npm run pack -- <folder>`: builds the packages and packs them into a folder, from which applications install them.
import { resolve } from 'node:path'
import { nodeProblem } from './lib/node-version.mjs'

const [folder] = process.argv.slice(2)
const problem =
  nodeProblem(process.versions.node) ??
  (folder === undefined ? 'Usage: npm run pack -- <folder>, as in npm run pack -- ../mq-packages' : undefined)
if (problem === undefined) {
  // npm changes to the folder of package.json and leaves the one it was called in here.
  const path = resolve(process.env.INIT_CWD ?? process.cwd(), folder)
  import('./lib/pack.mjs').then(({ pack }) => pack(path))
} else {
  console.error(problem)
  process.exitCode = 1
}
