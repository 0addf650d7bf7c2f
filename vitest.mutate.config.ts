import { defineConfig, mergeConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { shared } from './vitest.shared.js'

const unit = [
  'dead-letters',
  'disconnect',
  'failure',
  'handler-timeout',
  'handling',
  'middleware',
  'retry-*',
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
      testTimeout: 10_000,
      sequence: { sequencer: SuiteLast },
    },
  }),
)
