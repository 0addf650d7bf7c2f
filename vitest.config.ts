import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Queues log the failures that tests cause on purpose.
    onConsoleLog: (text, type) => !(type === 'stderr' && text.startsWith('[mq] ')),
    // Most files wait for brokers most of the time, so that there is room for one more than there are processors.
    maxWorkers: availableParallelism() + 1,
    projects: [
      'packages/*/vitest.config.ts',
      'apps/*/vitest.config.ts',
      'bench/vitest.config.ts',
      'docs/vitest.config.ts',
      'scripts/vitest.config.ts',
      'release/vitest.config.ts',
      'fuzz/vitest.config.ts',
    ],
  },
})
