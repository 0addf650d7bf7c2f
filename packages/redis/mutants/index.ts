import type { Mutant } from '@mq/test-brokers'
import { settling } from './settling.js'

export const mutants: readonly Mutant[] = [...settling]
