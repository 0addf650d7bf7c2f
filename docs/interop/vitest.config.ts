import { defineConfig } from 'vitest/config'

// Not one of the root's projects: it needs Python, which `pnpm test:interop` provides.
export default defineConfig({
  test: {
    name: 'interop',
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: ['../../packages/test-brokers/src/setup.ts'],
    provide: { brokers: ['rabbitmq', 'redis', 'kafka'] },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
