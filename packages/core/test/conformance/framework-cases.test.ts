import { describe, expect, it } from 'vitest'
import { allCases, chapters } from '../../src/conformance/cases/index.js'
import { promises } from '../../src/conformance/promises.js'

const repeated = (values: readonly string[]): readonly string[] =>
  values.filter((value, index) => values.indexOf(value) !== index)

describe('the cases', () => {
  it('have ids and titles of their own: topics are named after ids, and reports are compared by them', () => {
    expect(repeated(allCases.map(({ id }) => id))).toEqual([])
    expect(repeated(allCases.map(({ title }) => title))).toEqual([])
    expect(allCases.filter(({ id }) => !/^[A-Z]{3}-[1-9]\d*$/.test(id)).map(({ id }) => id)).toEqual([])
  })

  it('of one chapter begin alike, so that --only can name the chapter', () => {
    const beginnings = chapters.map(({ cases }) => [...new Set(cases.map(({ id }) => id.split('-')[0] ?? ''))])
    expect(beginnings.filter((found) => found.length !== 1)).toEqual([])
    expect(repeated(beginnings.flat())).toEqual([])
  })

  it('name the promises that they test, and no promise is without a case', () => {
    expect(allCases.filter((one) => one.promises.length === 0).map(({ id }) => id)).toEqual([])
    const tested = new Set(allCases.flatMap((one) => one.promises))
    expect(Object.keys(promises).filter((number) => !tested.has(Number(number) as never))).toEqual([])
  })

  it('that hurt the broker for all run alone', () => {
    const hurting = new Set<string>(['kill', 'restart', 'cut', 'refuse', 'freeze', 'slow', 'dropAnswer', 'block'])
    const shared = allCases.filter(({ needs = [], alone }) => !alone && needs.some((need) => hurting.has(need)))
    expect(shared.map(({ id }) => id)).toEqual([])
  })

  it('that begin what only heal ends say that they need it', () => {
    const lasting = new Set<string>(['refuse', 'freeze', 'slow', 'block'])
    const unhealed = allCases.filter(
      ({ needs = [] }) => needs.some((need) => lasting.has(need)) && !needs.includes('heal'),
    )
    expect(unhealed.map(({ id }) => id)).toEqual([])
  })
})
