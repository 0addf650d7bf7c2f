import { defineConfig } from 'vitest/config'
import { shared } from '../vitest.shared.js'

// What is released is what was built: without the aliases that lead to the sources.
export default defineConfig({
  test: { ...shared.test, name: 'release', testTimeout: 300_000, hookTimeout: 300_000 },
})
