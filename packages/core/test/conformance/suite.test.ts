import { afterAll, describe, expect, it } from 'vitest'
import { tasks } from '../../src/conformance/cases/tasks/index.js'
import { conformance } from '../../src/conformance/index.js'
import { caseTimeoutMs } from '../../src/conformance/runner/run-case.js'
import { faultySubject } from './subject.js'
import { capabilities } from './support/cases.js'
import { createFaultySession } from './support/killers.js'

// With no fault planted, the adapter on which faults are planted keeps every promise.
await conformance({ describe, it, afterAll }, faultySubject(), { complete: true, parallel: 32, brokers: 8 })

const session = await createFaultySession()

describe('the scheduler on which faults are planted keeps every promise if none is planted:', () => {
  for (const one of tasks.cases) {
    const register = one.alone ? it : it.concurrent
    register(`${one.id} ${one.title}`, { timeout: caseTimeoutMs(one, capabilities) + 60_000 }, async () => {
      expect(await session.run(one)).toMatchObject({ id: one.id, status: 'passed' })
    })
  }

  afterAll(() => session.close())
})
