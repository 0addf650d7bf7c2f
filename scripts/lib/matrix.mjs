import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seconds } from './progress.mjs'
import { run } from './run.mjs'
import { tool } from './toolchain.mjs'
import { countVitest } from './vitest-report.mjs'
import { root } from './workspace.mjs'

export const matrixFolder = join(root, 'temp', 'matrix')

/** How long the tests of one adapter may take on a busy machine. */
const timeoutMs = 60 * 60_000

const broker = (kind, name, version, title = `${name} ${version}`) => ({
  id: `${kind}-${version}`,
  title,
  kind,
  env: { MQ_TEST_BROKERS: kind, [`MQ_TEST_${kind.toUpperCase()}_VERSION`]: version },
})

/** Each cell runs the suite and the tests of one adapter, with clusters, on one version of its broker. */
export const cells = [
  broker('rabbitmq', 'RabbitMQ', '3.10'),
  broker('rabbitmq', 'RabbitMQ', '4.0'),
  broker('rabbitmq', 'RabbitMQ', '4.3'),
  broker('redis', 'Redis', '7.0'),
  broker('redis', 'Redis', '8.0'),
  broker('redis', 'Valkey', 'valkey-8.1', 'Valkey 8.1'),
  broker('redis', 'Valkey', 'valkey-9.1', 'Valkey 9.1'),
  broker('kafka', 'Kafka', '3.9.1'),
  broker('kafka', 'Kafka', '4.1.1'),
  broker('kafka', 'Kafka', '4.4.0'),
]

const fileOf = ({ id }) => join(matrixFolder, `${id}.json`)

/** Returns the last result of a cell, or undefined if it has never run. */
export function resultOf(cell) {
  return existsSync(fileOf(cell)) ? JSON.parse(readFileSync(fileOf(cell), 'utf8')) : undefined
}

export function isDone(cell) {
  const result = resultOf(cell)
  return result !== undefined && result.failed === 0 && result.commit === commit()
}

const commit = () => execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()

/** Runs the tests of a cell and writes its result. */
export async function runCell(cell) {
  const { id, kind, env } = cell
  const reportPath = join(matrixFolder, `${id}.vitest.json`)
  const suitePath = join(root, 'temp', 'conformance', `${kind}.json`)
  for (const file of [reportPath, suitePath]) rmSync(file, { force: true })
  console.log(`${id}: running`)
  const startedAt = performance.now()
  const [program, ...args] = tool('vitest', 'vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportPath}`,
    '--project',
    kind,
  ])
  const { code, problem } = await run(program, args, { env: { ...process.env, ...env }, isShown: true, timeoutMs })
  const result = {
    commit: commit(),
    ms: Math.round(performance.now() - startedAt),
    ...countVitest({ report: read(reportPath), code, problem }),
    suite: suiteOf(read(suitePath)),
    failures: failuresOf(read(reportPath)),
  }
  writeFileSync(fileOf(cell), `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(`${id}: ${result.passed} passed, ${result.failed} failed in ${seconds(result.ms)}`)
}

const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined)

/** Returns which broker answered the suite, and how many of its cases held. */
export function suiteOf(report) {
  if (report === undefined) return undefined
  const count = (status) => report.results.filter((one) => one.status === status).length
  return { broker: report.broker, held: count('passed'), broken: count('failed'), omitted: count('not run') }
}

/** Returns the full names of the failed tests. */
export const failuresOf = (report) =>
  (report?.testResults ?? []).flatMap((file) =>
    file.assertionResults.flatMap(({ status, fullName }) => (status === 'failed' ? [fullName] : [])),
  )

/** Returns the results of all cells as a Markdown table. */
export function table(all, results = all.map(resultOf)) {
  const rows = all.map(({ title }, index) => {
    const result = results[index]
    if (result === undefined) return `| ${title} | not run | | | |`
    const { suite, passed, failed, ms } = result
    const cases = suite === undefined ? 'no report' : `${suite.held} held, ${suite.broken} broken`
    return `| ${title} | ${suite?.broker ?? ''} | ${cases} | ${passed} passed, ${failed} failed | ${seconds(ms)} |`
  })
  return ['| version | broker | cases of the suite | all tests | time |', '|---|---|---|---|---|', ...rows, ''].join(
    '\n',
  )
}
