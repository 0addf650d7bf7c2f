import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'kafka',
      globalSetup: ['../test-brokers/src/setup.ts'],
      provide: { brokers: ['kafka'] },
      testTimeout: 60_000,
      hookTimeout: 120_000,
      maxWorkers: 2,
      // After the others: vitest wants projects with another number of workers in a group of their own.
      sequence: { groupOrder: 1 },
    },
  }),
)
