import { describe, expect, it } from 'vitest'
import { allCases, chapters } from '../../src/conformance/cases/index.js'
import { promises } from '../../src/conformance/promises.js'

describe('the cases', () => {
  it('have an id each, of the three letters of their chapter and a number', () => {
    const ids = allCases.map(({ id }) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
    for (const { name, cases } of chapters) {
      const letters = new Set(cases.map(({ id }) => id.replace(/-[1-9]\d*$/, '')))
      expect([name, ...letters]).toEqual([name, expect.stringMatching(/^[A-Z]{3}$/)])
    }
  })

  it('hold an adapter to every promise', () => {
    const held = new Set(allCases.filter(({ level }) => level !== 'optional').flatMap((one) => one.promises))
    expect(Object.keys(promises).filter((number) => !held.has(Number(number) as keyof typeof promises))).toEqual([])
  })

  it('that break the broker have it to themselves', () => {
    const breaking = ['kill', 'cut', 'refuse', 'freeze', 'slow', 'dropAnswer', 'block']
    const shared = allCases.filter(({ needs = [], alone }) => !alone && needs.some((need) => breaking.includes(need)))
    expect(shared.map(({ id }) => id)).toEqual([])
  })
})
