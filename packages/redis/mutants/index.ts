import type { Mutant } from '@mq/test-brokers'
import { claiming } from './claiming.js'
import { deadLetters } from './dead-letters.js'
import { groups } from './groups.js'
import { inspecting } from './inspecting.js'
import { ordering } from './ordering.js'
import { publishing } from './publishing.js'
import { settling } from './settling.js'
import { waking } from './waking.js'

/** Faults of this adapter that `pnpm mutate:adapters` plants. */
export const mutants: readonly Mutant[] = [
  ...claiming,
  ...waking,
  ...settling,
  ...ordering,
  ...publishing,
  ...groups,
  ...deadLetters,
  ...inspecting,
]
