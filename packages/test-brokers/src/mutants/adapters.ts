import { existsSync } from 'node:fs'
import type { Subject } from '@mq/core/conformance'
import { brokers, type Kind, kinds } from '../kinds.js'
import type { Mutant } from './mutant.js'

/** An adapter with its mutants, and the subject with which the suite tests it. */
export interface MutatedAdapter {
  readonly kind: Kind
  readonly mutants: readonly Mutant[]
  readonly subject: Subject
}

/** Returns the adapters that have mutants and whose brokers are wanted. */
export async function mutatedAdapters(): Promise<readonly MutatedAdapter[]> {
  const found: MutatedAdapter[] = []
  for (const kind of kinds.filter(brokers.wanted)) {
    const folder = new URL(`../../../${kind}/`, import.meta.url)
    const module = new URL('mutants/index.ts', folder)
    if (!existsSync(module)) continue
    const { mutants } = (await import(module.href)) as { readonly mutants: readonly Mutant[] }
    const { subject } = (await import(new URL('test/support/subject.ts', folder).href)) as { readonly subject: Subject }
    found.push({ kind, mutants, subject })
  }
  return found
}
