import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'rabbitmq',
      globalSetup: ['../test-brokers/src/setup.ts'],
      provide: { brokers: ['rabbitmq'] },
      testTimeout: 60_000,
      hookTimeout: 120_000,
      maxWorkers: 2,
      // vitest wants projects with another number of workers in a group of their own.
      sequence: { groupOrder: 2 },
    },
  }),
)
