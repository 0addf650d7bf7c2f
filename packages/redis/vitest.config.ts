import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'redis',
      globalSetup: ['../test-brokers/src/setup.ts'],
      provide: { brokers: ['redis'] },
      testTimeout: 30_000,
      hookTimeout: 120_000,
    },
  }),
)
