import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'fuzz',
      globalSetup: ['../packages/test-brokers/src/setup.ts'],
      provide: { brokers: ['rabbitmq', 'redis', 'kafka'] },
      testTimeout: 180_000,
      hookTimeout: 180_000,
      maxWorkers: 2,
      // Hostile messages cost processors and memory: not beside the tests that measure time.
      sequence: { groupOrder: 1 },
    },
  }),
)
