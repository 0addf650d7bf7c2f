import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: { name: 'page', globalSetup: ['test/support/setup.ts'], testTimeout: 60_000, hookTimeout: 120_000 },
  }),
)
