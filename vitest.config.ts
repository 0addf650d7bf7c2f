import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Queues log the failures that tests cause on purpose.
    onConsoleLog: (text, type) => !(type === 'stderr' && text.startsWith('[mq] ')),
    // Most files wait for brokers most of the time: two at a time on two processors, too.
    maxWorkers: Math.max(2, availableParallelism() - 1),
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
