import { defineConfig } from 'vitest/config'
import { shared } from '../vitest.shared.js'

// What is on a page runs against what users get: without the aliases that lead to the sources.
export default defineConfig({
  test: {
    ...shared.test,
    name: 'docs',
    include: ['test/**/*.test.ts', 'examples/*/test/*.test.js'],
    maxConcurrency: 2,
    globalSetup: ['../packages/test-brokers/src/setup.ts'],
    provide: { brokers: ['rabbitmq', 'redis', 'kafka', 'postgres'] },
    hookTimeout: 120_000,
  },
})
