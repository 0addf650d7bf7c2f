import type { Mutant } from '@mq/test-brokers'
import { consuming } from './consuming.js'
import { deadLetters } from './dead-letters.js'
import { inspecting } from './inspecting.js'
import { publishing } from './publishing.js'
import { settling } from './settling.js'

export const mutants: readonly Mutant[] = [...settling, ...deadLetters, ...publishing, ...consuming, ...inspecting]
