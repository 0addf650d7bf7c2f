import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'
import { workspaceNode } from '../test-brokers/src/child.js'

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      name: 'kafka',
      globalSetup: ['../test-brokers/src/setup.ts'],
      provide: { brokers: ['kafka'] },
      testTimeout: 60_000,
      hookTimeout: 120_000,
      // The thread of the memberships runs from its source, too.
      execArgv: [...workspaceNode.args],
      env: workspaceNode.env,
    },
  }),
)
