import { readFileSync } from 'node:fs'
import type { Kind } from '@mq/test-brokers'

/** What `npm test` begins with, so that two runs of it try the same. */
export const seedsOf = (kind: Kind): readonly number[] =>
  (JSON.parse(readFileSync(new URL('../seeds.json', import.meta.url), 'utf8')) as Record<Kind, readonly number[]>)[kind]
