import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { allCases } from '../cases/index.js'
import type { JsonObject, Subject } from '../subject.js'
import { moduleUrl } from './adapter-module.js'
import { jsonReport, markdownMatrix, resultLine, textReport } from './report-formats.js'
import { runConformance } from './run.js'

const usage = `Usage: mq-conformance <module> [options]

Holds an adapter against the conformance suite of @mq/core. <module> is a file or a package whose default export is the
adapter's factory. If it has an export named \`subject\`, that says how to start, hurt and stop the broker.

  --options JSON     for the factory, '{"url":"nats://127.0.0.1"}' for example
  --only IDS         cases or chapters, as in DEL-3,DLQ
  --long             the long cases too
  --complete         a required case that cannot be run is a failure
  --parallel N       cases at a time (8)
  --brokers N        how many the subject may start (1); cases that hurt theirs get all but the first to themselves
  --seed N           runs again what a report with that seed tells of
  --json FILE        writes the report as JSON
  --markdown FILE    writes the table of promises
  --list             prints the cases and runs none
  --help             prints this

Exit code: 0 when no promise is broken, 1 when one is, 2 for a wrong call or an adapter that cannot be loaded.`

/** Resolves to the exit code. */
export async function main(args: readonly string[], print: (line: string) => void = console.log): Promise<number> {
  try {
    return await run(args, print)
  } catch (error) {
    print(`mq-conformance: ${error instanceof Error ? error.message : String(error)}`)
    return 2
  }
}

async function run(args: readonly string[], print: (line: string) => void): Promise<number> {
  const { values, positionals } = parsed(args)
  if (values.help) {
    print(usage)
    return 0
  }
  if (values.list) {
    for (const { id, title, level, long } of allCases) print(`${id} ${title} (${level}${long ? ', long' : ''})`)
    return 0
  }
  const [module, ...others] = positionals
  if (module === undefined || others.length > 0) throw new TypeError(`one module is needed\n\n${usage}`)
  const report = await runConformance(await subjectOf(module, values.options), {
    ...(values.only !== undefined && { only: knownIds(values.only) }),
    ...(values.parallel !== undefined && { parallel: wholeNumber('--parallel', values.parallel, 1) }),
    ...(values.brokers !== undefined && { brokers: wholeNumber('--brokers', values.brokers, 1) }),
    ...(values.seed !== undefined && { seed: wholeNumber('--seed', values.seed, 0) }),
    long: values.long === true,
    complete: values.complete === true,
    onResult: (result) => print(resultLine(result)),
  })
  print(
    textReport(report)
      .split('\n')
      .slice(report.results.length + 2)
      .join('\n'),
  )
  if (values.json !== undefined) await writeFile(values.json, jsonReport(report))
  if (values.markdown !== undefined) await writeFile(values.markdown, markdownMatrix([report]))
  return report.holds ? 0 : 1
}

function parsed(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      options: { type: 'string' },
      only: { type: 'string' },
      long: { type: 'boolean' },
      complete: { type: 'boolean' },
      parallel: { type: 'string' },
      brokers: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

async function subjectOf(module: string, json: string | undefined): Promise<Subject> {
  const url = await moduleUrl(module)
  const { subject = {} } = (await import(url)) as { readonly subject?: Omit<Subject, 'adapter'> }
  const options = { ...subject.options, ...(json === undefined ? {} : optionsFrom(json)) }
  return { ...subject, adapter: url, options }
}

function optionsFrom(json: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    // Not shown: it may hold a password.
    throw new TypeError(`--options must be JSON, '{"url":"..."}' for example`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError('--options must be a JSON object')
  }
  return value as JsonObject
}

function knownIds(text: string): readonly string[] {
  const ids = text.split(',').map((id) => id.trim())
  for (const id of ids) {
    const isKnown = allCases.some((one) => one.id === id || one.id.startsWith(`${id}-`))
    if (!isKnown) throw new TypeError(`there is no case ${id}; --list prints them`)
  }
  return ids
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value
  throw new TypeError(`${name} must be a whole number from ${least}, not ${text}`)
}
