import assert from 'node:assert/strict'
import { describe, expect, it } from 'vitest'
import { loadSubject } from '../../src/conformance/runner/environment.js'
import { holds } from '../../src/conformance/runner/report.js'
import { withoutRun } from '../../src/conformance/runner/run-case.js'
import type { FaultName, Subject } from '../../src/conformance/subject.js'
import { caseOf, embedded, outside, resultOf, runOne } from './support/cases.js'

const options = { url: 'memory:' }
const load = (subject: Partial<Subject> = {}) => loadSubject({ adapter: outside, options, ...subject })
const nothing = async (): Promise<void> => {}

describe('a case whose faults the subject lacks', () => {
  it('is not run, and names what is missing', async () => {
    const one = caseOf({ needs: ['cut', 'freeze', 'heal'] })
    expect(withoutRun(one, await load({ faults: { heal: nothing } }), {})).toMatchObject({
      status: 'not run',
      reason: 'the subject has no faults.cut, faults.freeze',
    })
    const faults = { cut: nothing, freeze: nothing, heal: nothing }
    expect(withoutRun(one, await load({ faults }), {})).toBeUndefined()
  })

  it('does not apply to an embedded adapter, which has no broker that could be hurt', async () => {
    const one = caseOf({ needs: ['kill'] })
    expect(withoutRun(one, await loadSubject({ adapter: embedded, options }), {})).toMatchObject({
      status: 'not applicable',
      reason: 'it is embedded; there is no faults.kill',
    })
  })

  it('has a worker if other processes reach the broker or the subject starts one', async () => {
    const one = caseOf({ needs: ['worker'] })
    expect(withoutRun(one, await load(), {})).toBeUndefined()
    expect(withoutRun(one, await loadSubject({ adapter: embedded, options }), {})?.status).toBe('not applicable')
    const own = { adapter: embedded, options, startWorker: () => Promise.reject(new Error('not started here')) }
    expect(withoutRun(one, await loadSubject(own), {})).toBeUndefined()
  })
})

describe('a case that capabilities rule out', () => {
  it('does not apply, with the reason of the case, even if something else is missing', async () => {
    const one = caseOf({ unless: ({ durable }) => (durable ? undefined : 'it is not durable'), needs: ['kill'] })
    expect(withoutRun(one, await load(), {})).toMatchObject({
      status: 'not applicable',
      reason: 'it is not durable',
    })
  })
})

describe('a long case', () => {
  it('runs only if long cases are requested', async () => {
    const one = caseOf({ long: true })
    const loaded = await load()
    expect(withoutRun(one, loaded, {})).toMatchObject({ status: 'not run', reason: 'it is long', long: true })
    expect(withoutRun(one, loaded, { long: true })).toBeUndefined()
  })
})

describe('a run holds', () => {
  const notRun = resultOf({ status: 'not run' })
  it.each([
    ['with everything passed', true, true, resultOf()],
    ['not with a failure', false, false, resultOf({ status: 'failed' })],
    ['with cases that are not run, but not a complete one', true, false, notRun],
    ['with cases that do not apply', true, true, resultOf({ status: 'not applicable' })],
    ['with optional ones not run', true, true, resultOf({ status: 'not run', level: 'optional' })],
    ['not complete with an untested capability', true, false, resultOf({ status: 'not run', level: 'capability' })],
    ['with long ones not run', true, true, resultOf({ status: 'not run', long: true })],
  ])('%s', (_, usually, complete, result) => {
    expect(holds([resultOf(), result], false)).toBe(usually)
    expect(holds([resultOf(), result], true)).toBe(complete)
  })
})

describe('running a case', () => {
  it('is not run if it finds a worker that cannot be paused', async () => {
    const worker = { events: [], kill: nothing, exited: Promise.resolve() }
    const subject = { startWorker: async () => worker }
    const result = await runOne({ run: async (kit) => void (await kit.pausable({ topic: kit.topic() })) }, subject)
    expect(result).toMatchObject({ status: 'not run', reason: "the subject's workers have no pause and resume" })
    expect(result).not.toHaveProperty('error')
  })

  it('passes when it resolves, and measures its time', async () => {
    const result = await runOne({ run: () => new Promise((resolve) => setTimeout(resolve, 30)) })
    expect(result).toMatchObject({ id: 'TST-1', status: 'passed', durationMs: expect.any(Number) })
    expect(result.durationMs).toBeGreaterThanOrEqual(25)
  })

  it('fails with the thrown error, whose first line is the reason', async () => {
    const error = new Error('Expected one\n\nand got two')
    expect(await runOne({ run: () => Promise.reject(error) })).toMatchObject({
      status: 'failed',
      reason: 'Expected one',
      error,
    })
  })

  it.each([
    ['with the values of a comparison', () => assert.equal(1, 2), 'found 1, expected 2'],
    [
      'with its own text first',
      () => assert.deepEqual({ peak: 2 }, { peak: 1 }, 'handlers at once'),
      'handlers at once: found { peak: 2 }, expected { peak: 1 }',
    ],
    [
      'with the value that must not be',
      () => assert.notEqual('stored', 'stored', 'the status'),
      "the status: found 'stored'",
    ],
    ['with the text alone of a condition', () => assert.ok(false, 'it took 3 s'), 'it took 3 s'],
  ])('fails for an assertion on one line, %s', async (_, check, reason) => {
    const result = await runOne({ run: async () => check() })
    expect(result).toMatchObject({ status: 'failed', reason, error: { name: 'AssertionError' } })
  })

  it('does not apply if the broker gives none of the figures that it checks, and passes with a note if some are missing', async () => {
    const none = await runOne({ run: async (kit) => kit.measured('ready', undefined) })
    expect(none).toMatchObject({ status: 'not applicable', reason: 'it does not count ready' })
    const some = await runOne({
      run: async (kit) => {
        kit.measured('ready', 0)
        kit.measured('ready', undefined)
        kit.measured('dead', undefined)
      },
    })
    expect(some).toMatchObject({ status: 'passed', reason: 'it does not count dead' })
    expect(await runOne({ run: async (kit) => kit.measured('ready', 2) })).not.toHaveProperty('reason')
  })

  it('names the member of an adapter that throws instead of rejecting', async () => {
    const result = await runOne(
      { run: async (kit) => void (await kit.queue()) },
      { adapter: new URL('support/throwing-adapter.ts', import.meta.url) },
    )
    expect(result.status).toBe('failed')
    expect(result.reason).toBe('adapter.connect() has to return a promise that rejects, but it threw: no broker')
  })

  it('fails if it exceeds its timeout', async () => {
    const result = await runOne({ timeoutMs: 30, run: () => new Promise(() => {}) })
    expect(result).toMatchObject({ status: 'failed', reason: 'The case took over 30 ms' })
  })

  it('closes everything that it opened, even if it fails', async () => {
    let status: (() => string) | undefined
    const result = await runOne({
      async run(kit) {
        const queue = await kit.queue()
        status = () => queue.health().status
        expect(status()).toBe('up')
        throw new Error('half way')
      },
    })
    expect(result.status).toBe('failed')
    expect(status?.()).toBe('down')
  })

  it('fails for an unhandled rejection if no other case runs', async () => {
    const run = async (): Promise<void> => {
      void Promise.reject(new Error('forgotten'))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await runOne({ alone: true, run })).toMatchObject({
      status: 'failed',
      reason: 'A rejection was not handled: Error: forgotten',
    })
  })

  it('fails with a clear text if it uses a fault that it does not declare', async () => {
    const result = await runOne({ run: (kit) => kit.faults.cut() })
    expect(result.reason).toBe('The subject has no faults.cut; the case should say that it needs it')
  })
})

describe('after a case with faults', () => {
  /** Returns the names of the called faults, in order. */
  async function calls(disturbing: readonly FaultName[]): Promise<readonly string[]> {
    const called: string[] = []
    const note = (name: string) => async (): Promise<void> => void called.push(name)
    const faults = {
      kill: note('kill'),
      restart: note('restart'),
      cut: note('cut'),
      heal: note('heal'),
      destroy: note('destroy'),
    }
    const run = async (kit: { readonly faults: object }): Promise<void> => {
      for (const name of disturbing) await (kit.faults as Record<string, () => Promise<void>>)[name]?.()
    }
    expect((await runOne({ alone: true, run }, { faults })).status).toBe('passed')
    return called
  }

  it('a killed broker is restarted, and then healed', async () => {
    expect(await calls(['kill'])).toEqual(['kill', 'restart', 'heal'])
    expect(await calls(['kill', 'restart'])).toEqual(['kill', 'restart', 'heal'])
  })

  it('its link is healed', async () => {
    expect(await calls(['cut'])).toEqual(['cut', 'heal'])
  })

  it('nothing is recovered if nothing was disturbed', async () => {
    expect(await calls([])).toEqual([])
    expect(await calls(['destroy'])).toEqual(['destroy'])
  })
})

describe('loading a subject', () => {
  it('says what is wrong with a module that is not an adapter', async () => {
    const support = new URL('support/', import.meta.url)
    await expect(loadSubject({ adapter: new URL('cases.ts', support) })).rejects.toThrow(
      'exports no adapter factory by default: export default (options) => adapter',
    )
    await expect(loadSubject({ adapter: new URL('promise-adapter.ts', support) })).rejects.toThrow(
      'must return an adapter, not a promise',
    )
    await expect(loadSubject({ adapter: new URL('half-adapter.ts', support) })).rejects.toThrow(
      /This is no adapter: it has no .*publish/,
    )
    await expect(loadSubject({ adapter: '@acme/mq-nowhere' })).rejects.toThrow('@acme/mq-nowhere is not installed here')
  })
})
