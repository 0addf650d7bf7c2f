import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cachedBrokers } from './cached-brokers.mjs'
import { progress, seconds } from './progress.mjs'
import { rules } from './rules.mjs'
import { run, stopWithSignals, tell } from './run.mjs'
import { findPnpm, installCommand, tool, turbo } from './toolchain.mjs'
import { countVitest, timesByPackage } from './vitest-report.mjs'
import { workflowRules } from './workflow-rules.mjs'
import { publicPackages, removeBuilt, root } from './workspace.mjs'

const vitestDeadlineMs = 50 * 60_000

/**
 * Runs every check of this repository. Each check counts as one test, and each test of vitest as one more.
 * A failed check does not stop the others, but without an installation and a build none of them can run.
 * The last line is `N passed, N failed, N skipped`, and the exit code is 0 only if nothing failed.
 */
export async function test(vitestArgs) {
  stopWithSignals()
  const rows = []
  const started = performance.now()
  try {
    await runAll(rows, vitestArgs)
  } catch (error) {
    rows.push(failed('npm test itself', 0, [error.stack ?? String(error)]))
    show(rows.at(-1))
  }
  summarise(rows, performance.now() - started)
}

async function runAll(rows, vitestArgs) {
  /** Runs one check; resolves to whether it passed. */
  const check = async (title, action) => {
    const end = progress(title)
    const problems = await action().catch((error) => [error.stack ?? String(error)])
    const ms = end()
    rows.push(
      problems.length === 0 ? { title, ms, passed: 1, failed: 0, skipped: 0, problems } : failed(title, ms, problems),
    )
    show(rows.at(-1))
    return problems.length === 0
  }
  let toolchain
  const command = async ([program, ...args]) => problemsOf(await run(program, args, { env: toolchain.env }))

  const canGoOn =
    (await check('pnpm in its pinned version', async () => {
      toolchain = await findPnpm()
      return toolchain.problem === undefined ? [] : [toolchain.problem]
    })) &&
    (await check('install from the lockfile', () => command([...toolchain.pnpm, ...installCommand]))) &&
    (await check('build', () => {
      removeBuilt()
      return command(turbo('build', '--output-logs=errors-only'))
    }))
  const checks = [
    ['a second build comes from the cache', () => cachedBuildProblems(toolchain.env)],
    ['format and lint (biome)', () => command(tool('@biomejs/biome', 'biome', ['ci', '--colors=off']))],
    ['types (tsc)', () => command(tool('typescript', 'tsc', ['--project', 'tsconfig.json', '--pretty', 'false']))],
    ['no dead code, no undeclared dependency (knip)', () => command(tool('knip', 'knip', ['--no-progress']))],
    ...publicPackages().flatMap(({ manifest: { name } }) => [
      [
        `what ${name} publishes (publint, attw)`,
        () => command(turbo('check:package', `--filter=${name}`, ...onlyErrors)),
      ],
      [`API report of ${name} (api-extractor)`, () => command(turbo('check:api', `--filter=${name}`, ...onlyErrors))],
    ]),
    ...[...rules, ...workflowRules].map(({ title, problems }) => [title, async () => problems()]),
  ]
  if (!canGoOn) {
    const reason = `not run: ${rows.at(-1).title} failed`
    for (const [title] of [...checks, ['vitest']])
      rows.push({ title, ms: 0, passed: 0, failed: 0, skipped: 1, problems: [reason] })
    return
  }
  const [first, ...others] = checks
  await check(...first)
  const next = others.values()
  // Each mostly uses one processor.
  const lane = async () => {
    for (const [title, action] of next) await check(title, action)
  }
  await Promise.all([lane(), lane()])
  rows.push(await vitest(vitestArgs, toolchain.env))
  show(rows.at(-1))
}

const onlyErrors = ['--output-logs=errors-only']

async function cachedBuildProblems(env) {
  const [program, ...args] = turbo('build', '--output-logs=hash-only')
  const result = await run(program, args, { env })
  const [, cached, total] = /Cached:\s+(\d+) cached, (\d+) total/.exec(result.output) ?? []
  if (result.code === 0 && cached !== undefined && cached === total) return []
  return [tell(result), 'This build came right after another one, but something was built again.']
}

async function vitest(vitestArgs, env) {
  const reportPath = join(root, 'temp', 'vitest.json')
  mkdirSync(join(root, 'temp'), { recursive: true })
  rmSync(reportPath, { force: true })
  const [program, ...args] = tool('vitest', 'vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportPath}`,
    ...vitestArgs,
  ])
  const brokers = cachedBrokers()
  console.log(brokers.text)
  const start = performance.now()
  const { code, problem } = await run(program, args, {
    env: { ...env, ...brokers.env },
    isShown: true,
    timeoutMs: vitestDeadlineMs,
  })
  const report = existsSync(reportPath) ? JSON.parse(readFileSync(reportPath, 'utf8')) : undefined
  const times = timesByPackage({ report, root })
  return { title: 'vitest', ms: performance.now() - start, times, ...countVitest({ report, code, problem }) }
}

const problemsOf = (result) => (result.code === 0 ? [] : [tell(result) || `ended with exit code ${result.code}`])
const failed = (title, ms, problems) => ({ title, ms, passed: 0, failed: 1, skipped: 0, problems })

function show({ title, ms, failed, problems }) {
  console.log(`${failed === 0 ? '✔' : '✖'} ${title} ${seconds(ms)}`)
  for (const line of problems.flatMap((problem) => problem.split('\n'))) console.log(`    ${line}`)
}

function summarise(rows, ms) {
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  const width = Math.max(...rows.map(({ title }) => title.length))
  console.log('')
  for (const row of rows) {
    const result = row.failed > 0 ? 'FAILED' : row.passed > 0 ? 'passed' : 'skipped'
    const counts = row.title === 'vitest' ? `  ${row.passed} passed, ${row.failed} failed, ${row.skipped} skipped` : ''
    console.log(`  ${row.title.padEnd(width)}  ${seconds(row.ms).padStart(8)}  ${result}${counts}`)
    for (const { name, files, ms } of row.times ?? [])
      console.log(`    ${name.padEnd(width - 2)}  ${seconds(ms).padStart(8)}  in ${files} files`)
  }
  const bad = rows.filter((row) => row.failed > 0).map((row) => row.title)
  console.log(`\n${bad.length === 0 ? 'Everything passed' : `Failed: ${bad.join('; ')}`} in ${seconds(ms)}\n`)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
  process.exitCode = bad.length === 0 ? 0 : 1
}
