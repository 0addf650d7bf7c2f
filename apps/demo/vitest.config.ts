import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'demo',
      globalSetup: ['../../packages/test-brokers/src/setup.ts'],
      provide: { brokers: ['rabbitmq', 'redis', 'kafka', 'postgres'] },
      hookTimeout: 120_000,
    },
  }),
)
