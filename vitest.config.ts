import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take minutes. Begun last, each would keep one worker busy while the others have nothing left to do. */
const longFiles = /(conformance|folder-adapter|suite|mutants|recovering|rehearsal|cluster)\.test\.[jt]s$/

/**
 * Starts the files that take minutes before all others of their project. A worker that goes on with a file of the same project keeps the
 * modules that it has loaded.
 */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = (file: TestSpecification): boolean => longFiles.test(file.moduleId)
    return [...new Set(sorted.map(({ project }) => project))].flatMap((project) => {
      const ofOne = sorted.filter((file) => file.project === project)
      return [...ofOne.filter(isLong), ...ofOne.filter((file) => !isLong(file))]
    })
  }
}

export default defineConfig({
  test: {
    // Queues log the failures that tests cause on purpose.
    onConsoleLog: (text, type) => !(type === 'stderr' && text.startsWith('[mq] ')),
    // Most files wait for brokers most of the time: two at a time on two processors, too. With three, cases that disturb brokers are late.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongFirst },
    projects: [
      'packages/*/vitest.config.ts',
      'packages/nestjs/vitest.nest-11.config.ts',
      'apps/*/vitest.config.ts',
      'bench/vitest.config.ts',
      'docs/vitest.config.ts',
      'scripts/vitest.config.ts',
      'release/vitest.config.ts',
      'fuzz/vitest.config.ts',
    ],
  },
})
