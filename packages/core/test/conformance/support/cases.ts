import { randomUUID } from 'node:crypto'
import type { ConformanceCase } from '../../../src/conformance/kit/case.js'
import { loadSubject, startEnvironment } from '../../../src/conformance/runner/environment.js'
import type { CaseResult } from '../../../src/conformance/runner/report.js'
import { runCase } from '../../../src/conformance/runner/run-case.js'
import type { StartedBroker, Subject } from '../../../src/conformance/subject.js'
import type { Capabilities } from '../../../src/index.js'

/** An adapter that is not embedded, so that cases whose needs its subject lacks are not run. */
export const outside = new URL('outside-adapter.ts', import.meta.url)

export const embedded = new URL('../../../../memory/src/index.ts', import.meta.url)

export const caseOf = (fields: Partial<ConformanceCase> = {}): ConformanceCase => ({
  id: 'TST-1',
  title: 'a case of the tests',
  promises: [1],
  level: 'required',
  run: async () => {},
  ...fields,
})

/** Runs one case on a subject of its own, as the suite would. */
export async function runOne(
  fields: Partial<ConformanceCase>,
  subject: Partial<Subject<StartedBroker>> = {},
): Promise<CaseResult> {
  const options = { url: `memory://${randomUUID()}` }
  const environment = await startEnvironment(await loadSubject({ adapter: outside, options, ...subject }))
  try {
    return await runCase(caseOf(fields), { environment, runId: 'test', seed: 1, quietMs: 20, patience: 1 })
  } finally {
    await environment.close()
  }
}

export const capabilities: Capabilities = {
  durable: true,
  embedded: false,
  retainsUnrouted: false,
  startFromEarliest: false,
  orderedKeys: false,
  countsCrashes: false,
  exactAttempts: true,
  delayResolutionMs: 1,
  maxDelayMs: 1,
  maxHandlerMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: 1,
  publishDedupeMs: 0,
  redeliveryMs: 1,
  listsTopics: false,
  listsGroups: false,
  listsWaiting: false,
  listsInFlight: false,
  removesWaiting: false,
  runsNow: false,
  pausesGroups: false,
  joinsTransactions: false,
}

export const resultOf = (fields: Partial<CaseResult> = {}): CaseResult => ({
  id: 'TST-1',
  title: 'a case of the tests',
  promises: [1],
  level: 'required',
  status: 'passed',
  durationMs: 1,
  ...fields,
})
