import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'postgres',
      globalSetup: ['../test-brokers/src/setup.ts'],
      provide: { brokers: ['postgres'] },
      testTimeout: 30_000,
      hookTimeout: 120_000,
    },
  }),
)
