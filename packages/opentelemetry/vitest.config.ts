import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'opentelemetry',
      // Its API keeps providers for the whole process.
      isolate: true,
      globalSetup: ['../test-brokers/src/setup.ts', 'test/support/setup.ts'],
      provide: { brokers: ['rabbitmq', 'redis', 'kafka', 'postgres'] },
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  }),
)
