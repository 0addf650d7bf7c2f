import { describe, expect, it } from 'vitest'
import type { Alone } from '../../src/conformance/kit/case.js'
import { loadSubject } from '../../src/conformance/runner/environment.js'
import { createEnvironments } from '../../src/conformance/runner/environments.js'
import { outside } from './support/cases.js'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

/** Creates numbered brokers and records which case has which. */
async function environmentsOf(brokers: number) {
  let started = 0
  const stopped: string[] = []
  const happened: string[] = []
  const ends = new Map<string, () => void>()
  const loaded = await loadSubject({
    adapter: outside,
    options: { url: 'memory:' },
    start: async () => ({ broker: String(started++) }),
    stop: async ({ broker }) => void stopped.push(String(broker)),
  })
  const environments = createEnvironments(loaded, brokers)
  return {
    environments,
    happened,
    stopped,
    run(name: string, alone?: Alone): void {
      void environments.take(alone, async ({ broker }) => {
        happened.push(`${name} on ${broker}`)
        await new Promise<void>((resolve) => ends.set(name, resolve))
      })
    },
    async end(name: string): Promise<void> {
      ends.get(name)?.()
      await settled()
    },
  }
}

describe('the brokers of a run', () => {
  it('are one if one is allowed, and a case that runs alone waits for all others', async () => {
    const { run, end, happened, environments, stopped } = await environmentsOf(1)
    run('a')
    run('alone', true)
    run('b')
    await settled()
    expect(happened).toEqual(['a on 0'])
    await end('a')
    expect(happened).toEqual(['a on 0', 'alone on 0'])
    await end('alone')
    expect(happened.at(-1)).toBe('b on 0')
    await end('b')
    await environments.close()
    expect(stopped).toEqual(['0'])
  })

  it('are more if more are allowed: the first is shared, each other runs one case at a time', async () => {
    const { run, end, happened, environments, stopped } = await environmentsOf(3)
    for (const name of ['a', 'b']) run(name)
    await settled()
    for (const name of ['first alone', 'second alone', 'third alone']) run(name, true)
    await settled()
    expect([...happened].sort()).toEqual(['a on 0', 'b on 0', 'first alone on 1', 'second alone on 2'])
    await end('second alone')
    expect(happened.at(-1)).toBe('third alone on 2')
    expect(await environments.broker()).toBe('0')
    await environments.close()
    expect(stopped.sort()).toEqual(['0', '1', '2'])
  })

  it('are all idle during a case that looks at the whole process', async () => {
    const { run, end, happened, environments } = await environmentsOf(3)
    run('a')
    await settled()
    run('alone', true)
    await settled()
    run('whole', 'process')
    run('b')
    await settled()
    expect(happened).toEqual(['a on 0', 'alone on 1'])
    await end('a')
    expect(happened).toHaveLength(2)
    await end('alone')
    expect(happened.slice(2)).toEqual(['whole on 2'])
    await end('whole')
    expect(happened.at(-1)).toBe('b on 0')
    await environments.close()
  })

  it('are started when a case first needs them', async () => {
    const { run, happened, environments, stopped } = await environmentsOf(3)
    run('alone', true)
    await settled()
    expect(happened).toEqual(['alone on 0'])
    await environments.close()
    expect(stopped).toEqual(['0'])
  })

  it('are free again after a failed case', async () => {
    const { environments } = await environmentsOf(2)
    await expect(environments.take(true, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await environments.take(true, async ({ broker }) => broker)).toBe('0')
    await environments.close()
  })
})
