// Runs the suite under node:test. Start it with `node --test`.
import * as runner from 'node:test'
import { conformance } from '../../../src/conformance/runner/register.js'
import { embedded } from './cases.js'

await conformance(
  runner,
  { adapter: embedded, options: { url: 'memory://node-test' }, quietMs: 30 },
  { seed: 7, parallel: 32 },
)
