import type { MutatedAdapter } from './adapters.js'

interface Case {
  readonly id: string
  readonly title: string
}

/** Says which cases of the suite no fault names: neither one of the test broker nor one of these adapters. */
export async function unnamedCases(adapters: readonly MutatedAdapter[]): Promise<readonly Case[]> {
  const core = new URL('../../../core/', import.meta.url)
  const { allCases } = (await import(new URL('src/conformance/cases/index.ts', core).href)) as {
    readonly allCases: readonly Case[]
  }
  const { mutants } = (await import(new URL('test/conformance/mutants.ts', core).href)) as {
    readonly mutants: Readonly<Record<string, readonly [fault: string, ...ids: string[]]>>
  }
  const named = new Set(Object.values(mutants).flatMap(([, ...ids]) => ids))
  for (const mutant of adapters.flatMap((adapter) => adapter.mutants)) if ('case' in mutant) named.add(mutant.case)
  return allCases.filter(({ id }) => !named.has(id))
}
