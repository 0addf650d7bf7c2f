import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

// Mutants of the test broker are tried side by side: most of the time each waits for something that does not come.
export default mergeConfig(shared, defineConfig({ test: { name: 'core', maxConcurrency: 40 } }))
