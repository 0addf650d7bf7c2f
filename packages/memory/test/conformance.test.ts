import { conformance } from '@mq/core/conformance'
import * as vitest from 'vitest'

await conformance(vitest, {
  adapter: new URL('../src/index.ts', import.meta.url),
  options: { url: 'memory://conformance' },
  quietMs: 100,
})
