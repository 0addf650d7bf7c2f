// `pnpm mutate`: how many faults that a machine plants the tests notice. Run by scripts/mutate.mjs, in a copy of the repository.
const core = [
  'consume/dead-letters',
  'consume/retry',
  'consume/run',
  'consume/settle',
  'consume/subscribe',
  'consume/subscribe-options',
  'contract/failure',
  'contract/middleware',
  'queue/create-queue',
  'queue/lifecycle',
]
const memory = ['broker', 'consumer', 'entry', 'group', 'memory', 'published-ids', 'ready-queue', 'timetable']

export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  // All of the selection loads all that is mutated: there is nothing to gain by looking for what is related.
  vitest: { configFile: 'vitest.mutate.config.ts', related: false },
  mutate: [
    ...core.map((name) => `packages/core/src/${name}.ts`),
    ...memory.map((name) => `packages/memory/src/${name}.ts`),
  ],
  // Texts of errors are no promise, and a pattern that is wrong is found where it is tested.
  mutator: { excludedMutations: ['StringLiteral', 'Regex'] },
  concurrency: 2,
  // A mutant that hangs is noticed sooner than a test is known to.
  timeoutMS: 5_000,
  timeoutFactor: 2,
  // What runs while a module is loaded would need the whole selection for each mutant.
  ignoreStatic: true,
  inPlace: true,
  reporters: ['clear-text', 'event-recorder', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false },
  // What is known when the time is over: a report comes only at the end.
  eventReporter: { baseDir: 'temp/mutation' },
  tempDirName: 'temp/stryker',
}
