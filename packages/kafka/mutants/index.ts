import type { Mutant } from '@mq/test-brokers'
import { changing } from './changing.js'
import { consuming } from './consuming.js'
import { deadLetters } from './dead-letters.js'
import { groups } from './groups.js'
import { looking } from './looking.js'
import { publishing } from './publishing.js'
import { reading } from './reading.js'
import { settling } from './settling.js'

export const mutants: readonly Mutant[] = [
  ...settling,
  ...deadLetters,
  ...publishing,
  ...consuming,
  ...groups,
  ...reading,
  ...looking,
  ...changing,
]
