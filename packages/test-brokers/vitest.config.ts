import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'test-brokers',
      globalSetup: ['src/setup.ts'],
      testTimeout: 30_000,
      hookTimeout: 120_000,
    },
  }),
)
