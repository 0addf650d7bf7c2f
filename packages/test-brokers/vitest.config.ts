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
      maxWorkers: 2,
      // After the others: vitest wants projects with another number of workers in a group of their own.
      sequence: { groupOrder: 1 },
    },
  }),
)
