import type { Mutant } from '@mq/test-brokers'
import { claiming } from './claiming.js'
import { groups } from './groups.js'
import { publishing } from './publishing.js'
import { inTransactions } from './transactions.js'

/** Faults of this adapter that `pnpm mutate:adapters` plants. */
export const mutants: readonly Mutant[] = [...claiming, ...publishing, ...groups, ...inTransactions]
