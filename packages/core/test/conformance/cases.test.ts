import { describe, expect, it } from 'vitest'
import { allCases, chapters } from '../../src/conformance/cases/index.js'
import { retiredCases } from '../../src/conformance/cases/retired-ids.js'
import { promises } from '../../src/conformance/promises.js'

const repeated = (values: readonly string[]): readonly string[] =>
  values.filter((value, index) => values.indexOf(value) !== index)

const idFormat = /^[A-Z]{3}-[1-9]\d*$/

describe('the cases', () => {
  it('have unique ids and titles, because topics are named after ids and reports are compared by them', () => {
    expect(repeated(allCases.map(({ id }) => id))).toEqual([])
    expect(repeated(allCases.map(({ title }) => title))).toEqual([])
    expect(allCases.filter(({ id }) => !idFormat.test(id)).map(({ id }) => id)).toEqual([])
  })

  it('never have the id of a retired case', () => {
    const retired = retiredCases.map(({ id }) => id)
    expect(repeated(retired)).toEqual([])
    expect(retired.filter((id) => !idFormat.test(id))).toEqual([])
    expect(allCases.filter(({ id }) => retired.includes(id)).map(({ id }) => id)).toEqual([])
  })

  it('leave no gap in the ids of their chapter that retired cases do not fill', () => {
    const known = [...allCases, ...retiredCases].map(({ id }) => id)
    const gaps = chapters.flatMap(({ cases }) => {
      const letters = cases[0]?.id.split('-')[0]
      const numbers = cases.map(({ id }) => Number(id.split('-')[1]))
      const below = Array.from({ length: Math.max(...numbers) }, (_, index) => `${letters}-${index + 1}`)
      return below.filter((id) => !known.includes(id))
    })
    expect(gaps).toEqual([])
  })

  it('of one chapter begin alike, so that --only can name the chapter', () => {
    const beginnings = chapters.map(({ cases }) => [...new Set(cases.map(({ id }) => id.split('-')[0] ?? ''))])
    expect(beginnings.filter((found) => found.length !== 1)).toEqual([])
    expect(repeated(beginnings.flat())).toEqual([])
  })

  it('name the promises that they test, and every promise has a case that adapters cannot leave out', () => {
    expect(allCases.filter((one) => one.promises.length === 0).map(({ id }) => id)).toEqual([])
    const tested = new Set(allCases.filter(({ level }) => level !== 'optional').flatMap((one) => one.promises))
    expect(Object.keys(promises).filter((number) => !tested.has(Number(number) as never))).toEqual([])
  })

  it('that hurt the broker for all run alone', () => {
    const disturbing = new Set<string>(['kill', 'restart', 'cut', 'refuse', 'freeze', 'slow', 'dropAnswer', 'block'])
    const shared = allCases.filter(({ needs = [], alone }) => !alone && needs.some((need) => disturbing.has(need)))
    expect(shared.map(({ id }) => id)).toEqual([])
  })

  it('that start a fault which only heal ends say that they need heal', () => {
    const lasting = new Set<string>(['refuse', 'freeze', 'slow', 'block'])
    const unhealed = allCases.filter(
      ({ needs = [] }) => needs.some((need) => lasting.has(need)) && !needs.includes('heal'),
    )
    expect(unhealed.map(({ id }) => id)).toEqual([])
  })
})
