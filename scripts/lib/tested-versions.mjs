import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cells } from './matrix.mjs'
import { exists, readJson, readText, root } from './workspace.mjs'

/** The last result of each cell, for everybody who reads the repository. */
const storedPath = 'docs/tested-versions.json'
const pagePath = 'docs/tested-versions.md'

export const names = { rabbitmq: 'RabbitMQ', redis: 'Redis', kafka: 'Kafka' }

/** The READMEs that say with which versions an adapter was tested, each with the kind of its broker. */
export const readmes = Object.keys(names).map((kind) => ({ kind, path: `packages/${kind}/README.md` }))

/** Returns the stored results by the ids of their cells. */
export const storedResults = () => (exists(storedPath) ? readJson(storedPath) : {})

/** Adds results to the stored ones, and writes the page and the lines of the READMEs that come from them. */
export function recordResults(results) {
  const all = { ...storedResults(), ...results }
  const known = cells.flatMap(({ id }) => (all[id] === undefined ? [] : [[id, all[id]]]))
  const stored = Object.fromEntries(known)
  const write = (path, text) => writeFileSync(join(root, path), text)
  write(storedPath, `${JSON.stringify(stored, undefined, 2)}\n`)
  write(pagePath, page(stored))
  for (const { kind, path } of readmes) write(path, withVersions(readText(path), { kind, stored }))
}

/** Returns what is stored of a result of `runCell`. */
export function recorded({ measuredOn, node, runtime, ms, passed, failed, skipped = 0, failures, suite }) {
  const minutes = Math.ceil(ms / 60_000)
  return { measuredOn, node, runtime, minutes, tests: { passed, failed, skipped }, failures, suite }
}

/** Returns whether a stored result has no failure. */
export const isGood = ({ tests, suite }) => tests.failed === 0 && suite !== undefined && suite.broken.length === 0

/** Returns the versions of a kind whose cells passed, such as `Redis 8.0.2`, first those of single servers. */
function goodVersions(kind, stored) {
  const good = cells.filter(({ id, kind: its }) => its === kind && stored[id] !== undefined && isGood(stored[id]))
  const brokersOf = (some) => some.map(({ id }) => stored[id].suite.broker)
  return {
    single: brokersOf(good.filter(({ isCluster }) => !isCluster)),
    clusters: brokersOf(good.filter(({ isCluster }) => isCluster)),
  }
}

const list = (words) => (words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`)

/** Returns `RabbitMQ 3.10.8 and 4.3.6, Valkey 9.1.2` of names that each end in a version. */
function grouped(versions) {
  const groups = new Map()
  for (const text of versions) {
    const [, name, version] = /^(.*) (\S+)$/.exec(text)
    groups.set(name, [...(groups.get(name) ?? []), version])
  }
  return list([...groups].map(([name, all]) => `${name} ${list(all)}`))
}

/** Returns the line about the versions that an adapter was tested with. */
export function versionsLine({ kind, stored }) {
  const { single, clusters } = goodVersions(kind, stored)
  const figures = `[The figures](../../${pagePath}) say more.`
  if (single.length + clusters.length === 0)
    return `No run without a failure is stored for ${names[kind]} yet. ${figures}`
  const parts = [
    ...(single.length > 0 ? [grouped(single)] : []),
    ...(clusters.length > 0 ? [`three nodes of ${grouped(clusters)}`] : []),
  ]
  return `The adapter is tested with ${parts.join('; with ')}. ${figures}`
}

const begin = '<!-- tested-versions -->'
const end = '<!-- /tested-versions -->'

/** Returns the README with the line between its two marks. Throws if it lacks them. */
export function withVersions(text, at) {
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error(`The README of @mq/${at.kind} has no ${begin} and ${end}`)
  return `${before}${begin}\n${versionsLine(at)}\n${end}${after}`
}

/** Returns the versions that a page calls tested in its own words, and that no stored result of that kind has. */
export function unfoundedClaims(text, { kind, stored }) {
  const { single, clusters } = goodVersions(kind, stored)
  const known = [...single, ...clusters].map((name) => name.split(' ').at(-1))
  const isKnown = (version) => known.some((one) => one === version || one.startsWith(`${version}.`))
  const claims = text
    .split(/(?<=[.!?|])\s+|\n\n/)
    .filter((sentence) => /\btested\b(?! here yet)/i.test(sentence))
    .flatMap((sentence) => sentence.match(/(?<![\w.])\d+\.\d+(\.\d+)?(?![\w])/g) ?? [])
  return claims.filter((version) => !isKnown(version))
}

const count = (number) => number.toLocaleString('en-US')
const time = (ms) => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`)

const testsOf = ({ passed, failed }) => (failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} failed`)
const casesOf = ({ held, broken }) =>
  broken.length === 0 ? count(held) : `${count(held)}, broken: ${broken.join(', ')}`

function row({ id, title, isCluster }, stored) {
  const result = stored[id]
  if (result === undefined) return `| ${title} | not measured yet | | | | | | |`
  const { suite, tests, measuredOn } = result
  const all = testsOf(tests)
  if (suite === undefined) return `| ${title} | no report | | | | | ${all} | ${measuredOn} |`
  const { recovery } = suite
  const recovers = recovery.count === 0 ? '' : `${time(recovery.medianMs)}, ${time(recovery.maxMs)}`
  const name = `${suite.broker}${isCluster ? ', three nodes' : ''}`
  const cellsOfRow = [
    name,
    casesOf(suite),
    suite.notRun,
    `${suite.lost} of ${count(suite.stored)}`,
    suite.repeated,
    recovers,
  ]
  return `| ${[...cellsOfRow, all, measuredOn].join(' | ')} |`
}

function runtimeRow({ id, title }, stored) {
  const result = stored[id]
  if (result === undefined) return `| ${title} | not measured yet | | |`
  const { suite, tests, measuredOn, runtime = title } = result
  const cases = suite === undefined ? 'no report' : casesOf(suite)
  return `| ${runtime} | ${cases} | ${testsOf(tests)} | ${measuredOn} |`
}

/** Returns the failures of a cell as a list, or nothing. */
function failures({ id, title }, stored) {
  const names = stored[id]?.failures ?? []
  return names.length === 0 ? [] : [`- ${title}:`, ...names.map((name) => `  - ${name.replaceAll('|', '\\|')}`)]
}

/** Returns the text of the page. */
export function page(stored) {
  const failed = cells.flatMap((cell) => failures(cell, stored))
  return `${[
    '# Tested versions',
    '',
    '`pnpm test:matrix` runs the conformance suite and the tests of each adapter on the versions of brokers that people run. This page and',
    'the lines about tested versions in the READMEs are written by `pnpm test:matrix --record`. A test checks that they agree.',
    '',
    '| broker | cases held | not run | lost | run again | recovered after: median, longest | all tests | measured on |',
    '|---|---|---|---|---|---|---|---|',
    ...cells.filter(({ isRuntime }) => !isRuntime).map((cell) => row(cell, stored)),
    '',
    '- **Cases held** counts the cases of [the suite](adapters/suite.md) that passed. **Not run** are long cases, which run every night, and',
    '  cases that need a fault that cannot be caused there.',
    '- **Lost** counts messages that a broker had confirmed and that were neither handled nor dead-lettered. They come from the cases that',
    '  account for each message while brokers are killed, links are cut or frozen, and consumers die.',
    '- **Run again** counts repeated runs in these cases. [What is promised](delivery.md) says when a message may run more than once.',
    '- **Recovered after** is the time from the end of a disturbance until the broker stores the next message. With three nodes a',
    '  disturbance may be that one of them is gone.',
    '',
    '## Runtimes',
    '',
    'On each runtime the packed packages are installed as users install them. The suite runs on memory, and an application on memory and',
    'on each broker.',
    '',
    '| runtime | cases held on memory | applications | measured on |',
    '|---|---|---|---|',
    ...cells.filter(({ isRuntime }) => isRuntime).map((cell) => runtimeRow(cell, stored)),
    '',
    ...(failed.length === 0 ? [] : ['## Failed tests', '', ...failed, '']),
  ].join('\n')}`
}
