// `pnpm mutate:adapters`: plants faults in the adapters and counts how many the suite and their own tests notice.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { kinds } from '../kinds.js'
import { sweep } from '../run/sweep.js'
import { type MutatedAdapter, mutatedAdapters } from './adapters.js'
import { openLaboratory, type Verdict } from './laboratory.js'
import type { Mutant } from './mutant.js'
import { isEnough, table } from './table.js'
import { unnamedCases } from './unnamed.js'

const usage = `Usage: pnpm mutate:adapters [adapter ...] [options]

  --only IDS       tries only these mutants, such as acknowledgesForeignClaims,trimsPending
  --fast           tries only the mutants that npm test tries
  --named          runs only what a mutant names, and not the whole suite if that passes
  --unmutated      runs the cases that the mutants name on the adapters as they are; all of them have to pass
  --list           prints the mutants and tries none
  --unnamed        prints the cases that no mutant names, of these adapters or of the test broker in core's tests`

const resultFile = fileURLToPath(new URL('../../../../temp/adapter-mutants.json', import.meta.url))

interface Choice {
  readonly only?: readonly string[]
  readonly fast: boolean
}

const isChosen = ({ only, fast }: Choice, mutant: Mutant): boolean =>
  (only === undefined || only.includes(mutant.id)) && (!fast || mutant.fast === true)

async function tryAll(
  adapter: MutatedAdapter,
  mutants: readonly Mutant[],
  thorough: boolean,
): Promise<readonly Verdict[]> {
  const laboratory = openLaboratory(adapter)
  const verdicts: Verdict[] = []
  try {
    for (const mutant of mutants) {
      const verdict = await laboratory.trial(mutant, { thorough })
      const survives = verdict.omitted === undefined ? 'SURVIVES' : `CANNOT BE TRIED: ${verdict.omitted}`
      const caught = verdict.caughtBy === undefined ? survives : `noticed by ${verdict.caughtBy}`
      console.log(
        `${adapter.kind} ${mutant.id}: ${caught} (${(verdict.ms / 1_000).toFixed(1)} s) ${verdict.reason ?? ''}`,
      )
      verdicts.push(verdict)
      keep(adapter.kind, verdict)
    }
  } finally {
    await laboratory.close()
  }
  return verdicts
}

/** Writes the verdict beside those of other mutants, so that mutants can be tried one at a time. */
function keep(kind: string, verdict: Verdict): void {
  const all = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : {}
  mkdirSync(dirname(resultFile), { recursive: true })
  writeFileSync(
    resultFile,
    JSON.stringify({ ...all, [kind]: { ...all[kind], [verdict.mutant]: verdict } }, undefined, 2),
  )
}

async function tryNone(adapter: MutatedAdapter, mutants: readonly Mutant[]): Promise<boolean> {
  const cases = [...new Set(mutants.flatMap((mutant) => ('case' in mutant ? [mutant.case] : [])))]
  const laboratory = openLaboratory(adapter)
  try {
    const { caughtBy, reason, passed, omitted } = await laboratory.control(cases)
    const holds = caughtBy === undefined && omitted.length === 0 && passed === cases.length
    console.log(`${adapter.kind}: ${passed} of ${cases.length} cases pass without a fault`)
    for (const text of omitted) console.log(`  not run: ${text}`)
    if (caughtBy !== undefined) console.log(`  ${caughtBy} fails: ${reason}`)
    return holds
  } finally {
    await laboratory.close()
  }
}

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      fast: { type: 'boolean', default: false },
      named: { type: 'boolean', default: false },
      unmutated: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      unnamed: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return true
  }
  const unknown = positionals.find((name) => !kinds.some((kind) => kind === name))
  if (unknown !== undefined) throw new TypeError(`There is no adapter ${unknown}\n\n${usage}`)
  const choice: Choice = {
    fast: values.fast,
    ...(values.only !== undefined && { only: values.only.split(',').map((id) => id.trim()) }),
  }
  const adapters = (await mutatedAdapters()).filter(
    ({ kind }) => positionals.length === 0 || positionals.includes(kind),
  )
  for (const id of choice.only ?? []) {
    const isKnown = adapters.some(({ mutants }) => mutants.some((mutant) => mutant.id === id))
    if (!isKnown) throw new TypeError(`There is no mutant ${id}; --list prints them`)
  }
  if (values.unnamed) {
    for (const { id, title } of await unnamedCases(adapters)) console.log(`${id} ${title}`)
    return true
  }
  await sweep()
  let isGood = true
  const verdicts: Verdict[] = []
  for (const adapter of adapters) {
    const mutants = adapter.mutants.filter((mutant) => isChosen(choice, mutant))
    if (mutants.length === 0) continue
    if (values.list) for (const { id, promise } of mutants) console.log(`${adapter.kind} ${id}: ${promise}`)
    else if (values.unmutated) isGood = (await tryNone(adapter, mutants)) && isGood
    else verdicts.push(...(await tryAll(adapter, mutants, !values.named)))
  }
  if (verdicts.length > 0) console.log(`\n${table(verdicts)}`)
  return isGood && isEnough(verdicts)
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => process.exit(1))
process.exit((await main()) ? 0 : 1)
