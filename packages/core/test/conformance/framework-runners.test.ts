import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { allCases } from '../../src/conformance/cases/index.js'
import type { Alone } from '../../src/conformance/kit/case.js'
import { type ConformanceOptions, conformance, type Runner } from '../../src/conformance/runner/register.js'
import type { ConformanceReport } from '../../src/conformance/runner/report.js'
import type { Subject } from '../../src/conformance/subject.js'
import { outside } from './support/cases.js'
import { called } from './support/with-subject.js'

const folder = mkdtempSync(join(tmpdir(), 'mq-register-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Registered {
  readonly path: readonly string[]
  readonly name: string
  readonly isSkipped: boolean
  readonly timeoutMs: number | undefined
  readonly run: () => Promise<void>
}

/** Records the registered tests and runs none. `after` is the hook that some runners have. */
function paperRunner({ after }: { readonly after?: 'after' | 'afterAll' } = {}) {
  const path: string[] = []
  const tests: Registered[] = []
  const hooks: (() => Promise<void>)[] = []
  const add = (isSkipped: boolean) => (name: string, run: () => Promise<void>, timeoutMs?: number) =>
    void tests.push({ path: [...path], name, isSkipped, timeoutMs, run })
  const runner: Runner = {
    describe(name, register) {
      path.push(name)
      register()
      path.pop()
    },
    it: Object.assign(add(false), { skip: add(true) }),
    ...(after !== undefined && { [after]: (work: () => Promise<void>) => void hooks.push(work) }),
  }
  const named = (id: string): Registered => {
    const found = tests.find(({ name }) => name.startsWith(`${id} `))
    if (found === undefined) throw new Error(`${id} is not registered`)
    return found
  }
  return { runner, tests, hooks, named }
}

async function registered(
  options: ConformanceOptions = {},
  subject: Partial<Subject> = {},
  after?: 'after' | 'afterAll',
) {
  const paper = paperRunner(after === undefined ? {} : { after })
  await conformance(paper.runner, { adapter: outside, options: { url: 'memory:' }, quietMs: 20, ...subject }, options)
  return paper
}

describe('conformance()', () => {
  it('gives no id to two cases, because reports are compared by id', () => {
    const ids = allCases.map(({ id }) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it('registers every case once, in its chapter; those that run alone come last', async () => {
    const { tests } = await registered({ seed: 5 }, {}, 'afterAll')
    expect(tests.map(({ name }) => name.split(' ')[0]).sort()).toEqual(allCases.map(({ id }) => id).sort())
    expect(new Set(tests.map(({ path }) => path[0]))).toEqual(new Set(['conformance of memory (seed 5)']))
    const alone = tests.map(({ path }) => ['alone', 'alone in its process'].indexOf(path[1] ?? ''))
    expect(alone).toEqual([...alone].sort())
    const countOf = (kind: Alone | undefined): number => allCases.filter((one) => one.alone === kind).length
    expect([-1, 0, 1].map((place) => alone.filter((one) => one === place).length)).toEqual(
      ([undefined, true, 'process'] as const).map(countOf),
    )
    expect(tests.find(({ name }) => name.startsWith('PUB-1 '))?.path.at(-1)).toBe('publish')
  })

  it('skips cases that cannot run, with the reason in the name, and fails none of them', async () => {
    const { named } = await registered()
    const { name, isSkipped } = named('CON-5')
    expect(isSkipped).toBe(true)
    expect(name).toMatch(/\(not run: the subject has no faults\.wrongCredentials\)$/)
    expect(named('PUB-7').name).toMatch(/\(not applicable: it ignores repeated ids\)$/)
  })

  it('with complete, fails a required case that cannot run, but no optional or inapplicable one', async () => {
    const { named } = await registered({ complete: true })
    expect(named('CON-5').isSkipped).toBe(false)
    await expect(named('CON-5').run()).rejects.toThrow('the subject has no faults.wrongCredentials')
    expect(named('CON-6').isSkipped).toBe(true)
    expect(named('PUB-7').isSkipped).toBe(true)
  })

  it('fails the test of a failed case with its error, and passes the others', async () => {
    const { named } = await registered({}, { options: { url: 'memory:', forgets: true } })
    await named('CON-1').run()
    await expect(named('PUB-4').run()).rejects.toThrow('Waited 10000 ms for three messages')
  }, 30_000)

  it('gives every test the timeout of its case and time to wait for its turn', async () => {
    const { named } = await registered()
    expect(named('CON-1').timeoutMs).toBeGreaterThan(30_000)
  })

  it.each(['after', 'afterAll'] as const)(
    'stops the broker and writes the report in %s, where there is one',
    async (after) => {
      called.length = 0
      const { subject } = await import('./support/with-subject.js')
      const reportFolder = join(folder, after)
      const { named, hooks, tests } = await registered({ reportFolder, seed: 9 }, subject, after)
      expect(tests).toHaveLength(allCases.length)
      await named('CON-1').run()
      expect(called).toEqual(['start'])
      for (const hook of hooks) await hook()
      expect(called).toEqual(['start', 'stop'])
      const report = JSON.parse(readFileSync(join(reportFolder, 'memory.json'), 'utf8')) as ConformanceReport
      expect(report.seed).toBe(9)
      expect(report.results.find(({ id }) => id === 'CON-1')?.status).toBe('passed')
      expect(existsSync(join(reportFolder, 'memory.md')) && existsSync(join(reportFolder, 'memory.txt'))).toBe(true)
    },
  )

  it('stops it in a last test if the runner has no such hook', async () => {
    called.length = 0
    const { subject } = await import('./support/with-subject.js')
    const { named, tests } = await registered({}, subject)
    expect(tests).toHaveLength(allCases.length + 1)
    await named('CON-1').run()
    expect(tests.at(-1)?.name).toBe('the broker is stopped')
    await tests.at(-1)?.run()
    expect(called).toEqual(['start', 'stop'])
  })

  it('starts nothing if no case runs', async () => {
    called.length = 0
    const { subject } = await import('./support/with-subject.js')
    const { hooks } = await registered({}, subject, 'afterAll')
    for (const hook of hooks) await hook()
    expect(called).toEqual([])
  })

  it('rejects if the adapter cannot be loaded', async () => {
    await expect(registered({}, { adapter: '@acme/mq-nowhere' })).rejects.toThrow('is not installed here')
  })
})
