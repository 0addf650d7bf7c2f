import { defineConfig, mergeConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { shared } from './vitest.shared.js'

const unit = [
  'dead-letters',
  'disconnect',
  'events',
  'failure',
  'handle-faults',
  'handler-timeout',
  'last-failure',
  'lifecycle',
  'middleware',
  'publish',
  'retry-*',
  'settle',
  'subscribe',
]

/** The suite takes seconds, the others take none: it is asked last, about what they have not noticed. */
class SuiteLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSuite = ({ moduleId }: TestSpecification): number => Number(moduleId.endsWith('.mutate.ts'))
    return files.sort((a, b) => isSuite(a) - isSuite(b))
  }
}

/** What is to notice the faults of `pnpm mutate`: the unit tests of what is mutated, and the suite on the memory adapter. */
export default mergeConfig(
  { resolve: shared.resolve ?? {} },
  defineConfig({
    test: {
      include: [
        ...unit.map((name) => `packages/core/test/${name}.test.ts`),
        'packages/memory/test/{concurrency,delivery,failure,structures,time}.test.ts',
        'packages/memory/test/support/suite.mutate.ts',
      ],
      // The slowest of the unit tests takes half a second: one that takes six times as long waits for what does not come.
      testTimeout: 3_000,
      // Each mutant has one thread of its own, which loads the modules once and not for each file again.
      pool: 'threads',
      isolate: false,
      maxWorkers: 1,
      // Stryker asks what came out; nobody reads what vitest would print.
      reporters: [{}],
      sequence: { sequencer: SuiteLast },
    },
  }),
)
