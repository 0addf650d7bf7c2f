// Compares the API of a package with its committed reports, one for each api-extractor*.json, and fails if they differ. With
// --local it writes the reports instead. It works on the current package, or from the root on all of them.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { tool } from './lib/toolchain.mjs'
import { publicPackages, root } from './lib/workspace.mjs'

const isLocal = process.argv.includes('--local')
const isRoot = relative(root, process.cwd()) === ''
const folders = isRoot ? publicPackages().map(({ folder }) => join(root, folder)) : [process.cwd()]

for (const folder of folders) {
  const configs = readdirSync(folder).filter((name) => /^api-extractor.*\.json$/.test(name))
  if (configs.length === 0) {
    console.error(`${relative(root, folder)} has no api-extractor*.json`)
    process.exitCode = 1
  }
  mkdirSync(join(folder, 'etc'), { recursive: true })
  for (const config of configs) {
    const [command, ...args] = tool('@microsoft/api-extractor', 'api-extractor', ['run', '--config', config])
    const { status } = spawnSync(command, isLocal ? [...args, '--local'] : args, { cwd: folder, stdio: 'inherit' })
    if (status === 0) continue
    const report = `${JSON.parse(readFileSync(join(folder, config), 'utf8')).apiReport.reportFileName}.api.md`
    const diff = ['diff', '--no-index', '--', `etc/${report}`, `temp/${report}`]
    if (existsSync(join(folder, 'temp', report))) spawnSync('git', diff, { cwd: folder, stdio: 'inherit' })
    console.error(
      `The API of ${relative(root, folder)} is not the one in etc/${report}. pnpm api:update takes it over.`,
    )
    process.exitCode = 1
  }
}
