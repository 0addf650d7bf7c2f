import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'bench',
      globalSetup: ['../packages/test-brokers/src/setup.ts'],
      provide: { brokers: ['rabbitmq', 'redis', 'kafka'] },
      hookTimeout: 120_000,
    },
  }),
)
