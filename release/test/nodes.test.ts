import { describe, expect, it } from 'vitest'
import { allWell, type Trial, trialTable } from '../src/nodes/table.js'

const well: Trial = { version: '20.19.6', what: 'memory', result: '3 passed' }
const broken: Trial = { version: '24.21.0', what: 'memory', result: '', problem: 'Not so' }

describe('the trials of packed packages', () => {
  it('are shown as a table of Nodes and trials, in which a failure is easy to see', () => {
    expect(trialTable([well, { ...well, what: 'redis' }, broken])).toBe(
      ['Node     memory    redis', '20.19.6  3 passed  3 passed', '24.21.0  FAILED    -'].join('\n'),
    )
  })

  it('have succeeded if there was one and each succeeded', () => {
    expect(allWell([well])).toBe(true)
    expect(allWell([well, broken])).toBe(false)
    expect(allWell([])).toBe(false)
  })
})
