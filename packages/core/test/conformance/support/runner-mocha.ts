// Runs the suite under mocha, whose functions are globals.
import { conformance, type Runner } from '../../../src/conformance/runner/register.js'
import { embedded } from './cases.js'

await conformance(
  globalThis as unknown as Runner,
  { adapter: embedded, options: { url: 'memory://mocha' }, quietMs: 30 },
  { seed: 7, parallel: 32 },
)
