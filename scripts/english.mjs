// `node scripts/english.mjs [folder]`: lists what breaks the rules of English in CONTRIBUTING, in all files or in a folder's.
import { englishProblems } from './lib/english/problems.mjs'

const problems = englishProblems(process.argv[2])
for (const problem of problems) console.log(problem)
console.log(`${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
