import { describe, expect, it } from 'vitest'
import { runtimes } from '../../scripts/lib/runtimes.mjs'
import { defaultRuntimes, isRuntime } from '../src/runtimes/runtime.js'
import { allWell, type Trial, trialTable } from '../src/runtimes/table.js'

const well: Trial = { runtime: 'Node 20.19.6', what: 'memory', result: '3 passed' }
const broken: Trial = { runtime: 'Deno 2.9.6', what: 'memory', result: '', problem: 'Not so' }

describe('the trials of packed packages', () => {
  it('are shown as a table of runtimes and trials, in which a failure is easy to see', () => {
    expect(trialTable([well, { ...well, what: 'redis' }, broken])).toBe(
      ['runtime       memory    redis', 'Node 20.19.6  3 passed  3 passed', 'Deno 2.9.6    FAILED    -'].join('\n'),
    )
  })

  it('have succeeded if there was one and each succeeded', () => {
    expect(allWell([well])).toBe(true)
    expect(allWell([well, broken])).toBe(false)
    expect(allWell([])).toBe(false)
  })

  it('are made on the runtimes that the cells of the matrix name', () => {
    expect(runtimes.map(({ id }: { readonly id: string }) => id)).toEqual(defaultRuntimes)
    for (const id of [...defaultRuntimes, 'node-24.16.0']) expect(isRuntime(id), id).toBe(true)
    for (const id of ['24', 'node', 'node-', 'python-3', 'node-22; ls', 'bun-1.x'])
      expect(isRuntime(id), id).toBe(false)
  })
})
