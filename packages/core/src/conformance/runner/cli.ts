import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { allCases } from '../cases/index.js'
import type { JsonObject, Subject } from '../subject.js'
import { moduleUrl } from './adapter-module.js'
import { jsonReport, markdownMatrix, resultLine, textReport } from './report-formats.js'
import { runConformance } from './run.js'

const usage = `Usage: mq-conformance <module> [options]

Tests an adapter with the conformance suite of @mq/core. <module> is a file or a package whose default export is the
adapter's factory. An export named \`subject\` says how to start, disturb and stop the broker.

  --options JSON     options for the factory, such as '{"url":"nats://127.0.0.1"}'
  --only IDS         runs only these cases or chapters, such as DEL-3,DLQ
  --long             also runs the long cases
  --complete         fails if a required case cannot run
  --parallel N       runs N cases at a time on one broker. Default: 8
  --brokers N        lets the subject start N brokers. Cases that disturb a broker get all but the first. Default: 1
  --patience N       waits N times as long for what is not measured, on a machine that does much else. Default: 1
  --seed N           repeats the run of a report with this seed
  --json FILE        writes the report as JSON
  --markdown FILE    writes the table of promises
  --list             prints the cases and runs none
  --help             prints this help

Exit code: 0 if no promise is broken, 1 if one is, 2 for a wrong call or an adapter that cannot be loaded.`

/** Runs the command. Resolves to the exit code. */
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
    ...(values.patience !== undefined && { patience: wholeNumber('--patience', values.patience, 1) }),
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
      patience: { type: 'string' },
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
    // The value is not shown, because it may contain a password.
    throw new TypeError(`--options must be JSON, such as '{"url":"..."}'`)
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

function wholeNumber(name: string, text: string, min: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= min) return value
  throw new TypeError(`${name} must be a whole number from ${min}, not ${text}`)
}
