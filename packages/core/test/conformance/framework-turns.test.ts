import { describe, expect, it } from 'vitest'
import { createLookAhead, createTurns } from '../../src/conformance/runner/turns.js'

/** Creates work that runs until the test ends it, and a list of events. */
function workshop() {
  const happened: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => async (): Promise<string> => {
    happened.push(`${name} begins`)
    await new Promise<void>((resolve) => ends.set(name, resolve))
    happened.push(`${name} ends`)
    return name
  }
  return {
    happened,
    work,
    jobs: (...names: readonly string[]) => names.map((name) => ({ run: work(name) })),
    async end(name: string): Promise<void> {
      ends.get(name)?.()
      await settled()
    },
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('turns', () => {
  it('are shared by many, and held alone by one', async () => {
    const { happened, work, end } = workshop()
    const turns = createTurns()
    for (const name of ['a', 'b']) void turns.take(false, work(name))
    void turns.take(true, work('alone'))
    await settled()
    expect(happened).toEqual(['a begins', 'b begins'])
    await end('a')
    expect(happened).not.toContain('alone begins')
    await end('b')
    expect(happened.at(-1)).toBe('alone begins')
  })

  it('are given in arrival order, also to a job that wants to be alone', async () => {
    const { happened, work, end } = workshop()
    const turns = createTurns()
    void turns.take(false, work('a'))
    void turns.take(true, work('first alone'))
    void turns.take(true, work('second alone'))
    for (const name of ['b', 'c']) void turns.take(false, work(name))
    await settled()
    await end('a')
    expect(happened).toEqual(['a begins', 'a ends', 'first alone begins'])
    await end('first alone')
    expect(happened.at(-1)).toBe('second alone begins')
    await end('second alone')
    expect(happened.slice(-2)).toEqual(['b begins', 'c begins'])
  })

  it('return the result of the work, and are free again after failed work', async () => {
    const turns = createTurns()
    await expect(turns.take(true, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await turns.take(true, async () => 1)).toBe(1)
    expect(await turns.take(false, async () => 2)).toBe(2)
  })
})

describe('looking ahead', () => {
  it('runs the next jobs ahead while they are requested in order, each once', async () => {
    const { happened, jobs, end } = workshop()
    const ahead = createLookAhead(jobs('a', 'b', 'c', 'd'), 2)
    const first = ahead.request(0)
    await settled()
    expect(happened).toEqual(['a begins', 'b begins', 'c begins'])
    await end('b')
    await end('a')
    expect(await first).toBe('a')
    expect(await ahead.request(1)).toBe('b')
    await settled()
    expect(happened.filter((line) => line.endsWith('begins'))).toHaveLength(4)
  })

  it('lets some jobs overtake one that takes long, and no more run at a time', async () => {
    const { happened, jobs, end } = workshop()
    const names = ['long', 'a', 'b', 'c', 'd', 'e', 'f']
    void createLookAhead(jobs(...names), 1).request(0)
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await settled()
      const begun = happened.filter((line) => line.endsWith('begins')).length
      const ended = happened.filter((line) => line.endsWith('ends')).length
      expect(begun - ended).toBe(name === 'e' ? 1 : 2)
      await end(name)
    }
    expect(happened).toContain('d begins')
    expect(happened).not.toContain('e begins')
  })

  it('runs only the requested job if a single one is requested', async () => {
    const { happened, jobs } = workshop()
    const ahead = createLookAhead(jobs('a', 'b', 'c', 'd'), 2)
    void ahead.request(2)
    await settled()
    expect(happened).toEqual(['c begins'])
  })

  it('leaves no unhandled rejection of a job that is not requested', async () => {
    const ahead = createLookAhead<number>(
      [{ run: async () => 1 }, { run: () => Promise.reject(new Error('unasked')) }],
      1,
    )
    expect(await ahead.request(0)).toBe(1)
    await settled()
    await expect(ahead.request(1)).rejects.toThrow('unasked')
  })

  it('runs jobs apart beside those before them, as many as their share of what was requested', async () => {
    const { happened, work, end } = workshop()
    const names = ['a', 'b', 'c', 'd', 'x', 'y', 'last']
    const ahead = createLookAhead(
      names.map((name) => ({ run: work(name), isApart: name === 'x' || name === 'y' })),
      0,
    )
    const begun = (): string => happened.flatMap((line) => (line.endsWith('begins') ? [line[0]] : [])).join('')
    for (const [index, expected] of ['a', 'abx', 'abxc', 'abxcdy'].entries()) {
      const asked = ahead.request(index)
      await settled()
      expect(begun()).toBe(expected)
      await end(names[index] as string)
      await asked
    }
    await Promise.all(['x', 'y'].map(end))
    await Promise.all([ahead.request(4), ahead.request(5)])
    expect(begun()).toBe('abxcdy')
  })

  it('closes once what has begun has ended, and begins nothing more', async () => {
    const { happened, jobs, end } = workshop()
    const ahead = createLookAhead(jobs('a', 'b', 'c', 'd'), 1)
    void ahead.request(0)
    await settled()
    const closed = ahead.close().then(() => happened.push('closed'))
    for (const name of ['a', 'b']) await end(name)
    await closed
    expect(happened).toEqual(['a begins', 'b begins', 'a ends', 'b ends', 'closed'])
  })

  it('refuses a job that does not exist', () => {
    expect(() => createLookAhead([], 1).request(0)).toThrow('There is no job 0')
  })
})
