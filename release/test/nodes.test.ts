import { describe, expect, it } from 'vitest'
import { allWell, type Trial, trialTable } from '../src/nodes/table.js'

const well: Trial = { version: '20.19.6', what: 'memory', told: '3 passed' }
const broken: Trial = { version: '24.21.0', what: 'memory', told: '', problem: 'Not so' }

describe('the trials of packed packages', () => {
  it('are a table of Nodes and what was tried, in which a failure cannot be overlooked', () => {
    expect(trialTable([well, { ...well, what: 'redis' }, broken])).toBe(
      ['Node     memory    redis', '20.19.6  3 passed  3 passed', '24.21.0  FAILED    -'].join('\n'),
    )
  })

  it('went well when each did, and there was one', () => {
    expect(allWell([well])).toBe(true)
    expect(allWell([well, broken])).toBe(false)
    expect(allWell([])).toBe(false)
  })
})
