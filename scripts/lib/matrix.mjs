import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seconds } from './progress.mjs'
import { run } from './run.mjs'
import { runtimes, tryRuntime } from './runtimes.mjs'
import { tool } from './toolchain.mjs'
import { countVitest } from './vitest-report.mjs'
import { root } from './workspace.mjs'

export const matrixFolder = join(root, 'temp', 'matrix')

/** How long the tests of one adapter may take on a busy machine. */
const timeoutMs = 60 * 60_000

/** `cached` are the folders of the cache that a version needs to start without a download. */
const broker = (kind, name, version, { cached, title = `${name} ${version}` }) => ({
  id: `${kind}-${version}`,
  title,
  kind,
  cached,
  files: [],
  report: `${kind}.json`,
  env: { MQ_TEST_BROKERS: kind, [`MQ_TEST_${kind.toUpperCase()}_VERSION`]: version },
})

/** A cluster runs the suite, whose faults then hit one node of three, and the adapter's own tests of clusters. */
const cluster = (...words) => {
  const one = broker(...words)
  return {
    ...one,
    id: `${one.id}-cluster`,
    title: `${one.title}, three nodes`,
    files: ['conformance.test.ts', 'cluster.test.ts'],
    report: `cluster/${one.report}`,
    isCluster: true,
    env: { ...one.env, MQ_TEST_CLUSTER: '1' },
  }
}

const rabbitmq = (version, suite) => [
  'rabbitmq',
  'RabbitMQ',
  version,
  { cached: [`debian-${suite}`, `${suite}-rabbitmq`] },
]
const redis = (version, suite) => ['redis', 'Redis', version, { cached: [`debian-${suite}`, `${suite}-redis`] }]
const valkey = (version, suite) => [
  'redis',
  'Valkey',
  `valkey-${version}`,
  { cached: [`debian-${suite}`, `${suite}-valkey`], title: `Valkey ${version}` },
]
const kafka = (version) => ['kafka', 'Kafka', version, { cached: [`kafka-${version}`] }]

/** Each cell runs the suite and the tests of one adapter on one version of its broker, or tries the packed packages on one runtime. */
export const cells = [
  broker(...rabbitmq('3.10', 'bookworm')),
  broker(...rabbitmq('4.0', 'trixie')),
  broker(...rabbitmq('4.3', 'forky')),
  cluster(...rabbitmq('4.3', 'forky')),
  broker(...redis('7.0', 'bookworm')),
  broker(...redis('8.0', 'trixie')),
  cluster(...redis('8.0', 'trixie')),
  broker(...valkey('8.1', 'trixie')),
  broker(...valkey('9.1', 'forky')),
  cluster(...valkey('9.1', 'forky')),
  broker(...kafka('3.9.1')),
  broker(...kafka('4.1.1')),
  broker(...kafka('4.4.0')),
  cluster(...kafka('4.4.0')),
  ...runtimes,
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

/** Runs what a cell stands for and writes its result. */
export async function runCell(cell) {
  const { id } = cell
  console.log(`${id}: running`)
  const startedAt = performance.now()
  const { suitePath, ...tested } = await (cell.isRuntime ? tryRuntime(cell) : testAdapter(cell))
  const result = {
    commit: commit(),
    measuredOn: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    ms: Math.round(performance.now() - startedAt),
    suite: suiteOf(read(suitePath)),
    ...tested,
  }
  writeFileSync(fileOf(cell), `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(`${id}: ${result.passed} passed, ${result.failed} failed in ${seconds(result.ms)}`)
}

/** Resolves to what the tests of an adapter counted, and where the suite's report is. */
async function testAdapter({ id, kind, env, files, report }) {
  const reportPath = join(matrixFolder, `${id}.vitest.json`)
  const suitePath = join(root, 'temp', 'conformance', report)
  for (const file of [reportPath, suitePath]) rmSync(file, { force: true })
  const [program, ...args] = tool('vitest', 'vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportPath}`,
    // The tools of a broker in another Debian start slowly.
    '--testTimeout=120000',
    '--project',
    kind,
    ...files,
  ])
  const { code, problem } = await run(program, args, { env: { ...process.env, ...env }, isShown: true, timeoutMs })
  const counted = countVitest({ report: read(reportPath), code, problem })
  return { ...counted, suitePath, failures: failuresOf(read(reportPath)) }
}

const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined)

/** Returns which broker answered the suite, what became of its cases, and the sums of their figures. */
export function suiteOf(report) {
  if (report === undefined) return undefined
  const { broker, results } = report
  const of = (status) => results.filter((one) => one.status === status)
  const figures = results.flatMap(({ figures: found }) => (found === undefined ? [] : [found]))
  const sum = (name) => figures.reduce((total, one) => total + one[name], 0)
  return {
    broker,
    held: of('passed').length,
    broken: of('failed').map(({ id }) => id),
    notRun: of('not run').length,
    notApplicable: of('not applicable').length,
    stored: sum('stored'),
    lost: sum('lost'),
    repeated: sum('repeated'),
    recovery: timesOf(figures.flatMap(({ recoveriesMs }) => recoveriesMs)),
  }
}

function timesOf(all) {
  const sorted = all.toSorted((a, b) => a - b)
  return { count: sorted.length, medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0, maxMs: sorted.at(-1) ?? 0 }
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
    const { suite, runtime, passed, failed, ms } = result
    const held = suite === undefined ? 'no report' : `${suite.held} held, ${suite.broken.length} broken`
    return `| ${title} | ${runtime ?? suite?.broker ?? ''} | ${held} | ${passed} passed, ${failed} failed | ${seconds(ms)} |`
  })
  return ['| version | tested | cases of the suite | all tests | time |', '|---|---|---|---|---|', ...rows, ''].join(
    '\n',
  )
}
