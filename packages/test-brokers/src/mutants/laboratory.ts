import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import type { StartedBroker, Subject } from '@mq/core/conformance'
import { copyOfRepository } from '../../../../scripts/lib/copy.mjs'
import type { StartedServer } from '../conformance/started.js'
import { brokers, type Kind } from '../kinds.js'
import type { PostgresServer } from '../postgres/index.js'
import { type Mutant, nameOfCatcher } from './mutant.js'
import { plant, type Source } from './plant.js'
import { createStage } from './stage.js'
import { type CasesVerdict, tryCases } from './try-cases.js'
import { tryTest } from './try-test.js'

/** The longest that one case may take, with the start of the brokers and of the process. */
const caseTimeoutMs = 240_000
const suiteTimeoutMs = 25 * 60_000

/** Says what noticed one mutant. */
export interface Verdict {
  readonly mutant: string
  readonly promise: string
  /** The case or the test that has to notice the fault. */
  readonly expected: string
  /** The case or the test that noticed it. Undefined for a survivor. */
  readonly caughtBy?: string
  /** The first words of the failure. */
  readonly reason?: string
  /** Says why its case cannot run here. */
  readonly omitted?: string
  readonly isCase: boolean
  readonly ms: number
}

export interface Laboratory {
  /** Plants the fault, runs what has to notice it, and for a survivor of its case the whole suite if `thorough`. */
  trial(mutant: Mutant, options?: { readonly thorough?: boolean }): Promise<Verdict>
  /** Runs cases on the adapter as it is. */
  control(cases: readonly string[]): Promise<CasesVerdict>
  close(): Promise<void>
}

export interface LaboratoryParts {
  readonly kind: Kind
  readonly subject: Subject
}

/** Tries mutants of one adapter, one after the other, in a copy of the repository and on the same brokers. */
export function openLaboratory({ kind, subject }: LaboratoryParts): Laboratory {
  const copy = copyOfRepository()
  const remove = (): void => rmSync(copy, { recursive: true, force: true })
  process.on('exit', remove)
  const folder = join(copy, 'packages', kind)
  const sources = sourcesOf(folder)
  const stage = createStage(subject, kind === 'postgres' ? forgetTables : undefined)
  const urlOf = (path: string): string => pathToFileURL(join(folder, path)).href

  const cases = (only: readonly string[] | undefined): Promise<CasesVerdict> =>
    tryCases({
      copy,
      stage,
      program: {
        adapter: urlOf('src/index.ts'),
        subject: urlOf('test/support/subject.ts'),
        ...(only !== undefined && { only }),
        brokers: only === undefined && kind !== 'memory' && brokers.owned(kind) ? 3 : 1,
      },
      timeoutMs: only === undefined ? suiteTimeoutMs : only.length * caseTimeoutMs,
    })

  async function find(mutant: Mutant, thorough: boolean): Promise<Pick<Verdict, 'caughtBy' | 'reason' | 'omitted'>> {
    if (!('case' in mutant)) return await tryTest({ copy, kind, test: mutant.test })
    const named = await cases([mutant.case])
    if (named.caughtBy === undefined && named.passed === 0) {
      return { omitted: named.omitted[0] ?? `there is no case ${mutant.case}` }
    }
    const { caughtBy, reason = '' } = named.caughtBy === undefined && thorough ? await cases(undefined) : named
    return caughtBy === undefined ? {} : { caughtBy, reason }
  }

  return {
    async trial(mutant, { thorough = false } = {}) {
      const startedAt = performance.now()
      const { path, text } = plant(sources, mutant)
      const file = join(folder, path)
      const before = readFileSync(file, 'utf8')
      writeFileSync(file, text)
      try {
        const { caughtBy, reason, omitted } = await find(mutant, thorough)
        return {
          mutant: mutant.id,
          promise: mutant.promise,
          expected: nameOfCatcher(mutant),
          isCase: 'case' in mutant,
          ...(caughtBy !== undefined && { caughtBy, reason: (reason ?? '').split('\n', 3).join(' ').slice(0, 300) }),
          ...(omitted !== undefined && { omitted }),
          ms: Math.round(performance.now() - startedAt),
        }
      } finally {
        writeFileSync(file, before)
      }
    },
    control: (ids) => cases(ids),
    async close() {
      await stage.close()
      process.off('exit', remove)
      remove()
    },
  }
}

/** The tables come with functions, which may have the fault of the adapter that made them. */
async function forgetTables(started: StartedBroker): Promise<void> {
  const { server } = started as StartedServer<PostgresServer>
  if (server.source !== 'environment') await server.psql('DROP SCHEMA IF EXISTS mq CASCADE')
}

/** Returns the sources of a package, with paths from its folder. */
export function sourcesOf(folder: string): readonly Source[] {
  if (!existsSync(join(folder, 'src'))) throw new Error(`There is no ${join(folder, 'src')}`)
  return readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path: `src/${path}`, text: readFileSync(join(folder, 'src', path), 'utf8') }))
}
