import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { until, within } from '../src/index.js'
import { withoutServices } from '../src/install/apt.js'
import { createFolder, removeFolder } from '../src/run/folder.js'
import { claim, release, withLock } from '../src/run/lock.js'
import { releasePorts, reservePorts } from '../src/run/ports.js'

const folder = await createFolder('test')
afterAll(() => removeFolder(folder))

describe('a lock', () => {
  it('is held by one at a time', async () => {
    const file = join(folder, 'lock')
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside -= 1
    }
    await Promise.all(Array.from({ length: 20 }, () => withLock(file, { what: 'the others' }, work)))
    expect(most).toBe(1)
  })

  it('of a dead process is taken over, but not that of a living one', () => {
    const file = join(folder, 'taken')
    expect(claim(file, { pid: 1_999_999, start: '1' })).toBe(true)
    expect(claim(file)).toBe(true)
    expect(claim(file)).toBe(false)
    release(file)
    expect(claim(file)).toBe(true)
  })
})

describe('reserved ports', () => {
  it('differ for concurrent callers', async () => {
    const reserved = (await Promise.all(Array.from({ length: 20 }, () => reservePorts(5)))).flat()
    expect(new Set(reserved).size).toBe(100)
    releasePorts(reserved)
  })
})

describe('an installation', () => {
  it('keeps packages from starting their services, even if it fails', async () => {
    const policy = join(folder, 'policy-rc.d')
    const ask = (): unknown => {
      try {
        return execFileSync(policy)
      } catch (error) {
        return Reflect.get(error as Error, 'status')
      }
    }
    expect(await withoutServices(async () => ask(), policy)).toBe(101)
    await expect(withoutServices(() => Promise.reject(new Error('no network')), policy)).rejects.toThrow('no network')
    expect(existsSync(policy)).toBe(false)
  })

  it('leaves an existing policy of the machine alone', async () => {
    const policy = join(folder, 'own-policy')
    writeFileSync(policy, 'own')
    await withoutServices(async () => undefined, policy)
    expect(readFileSync(policy, 'utf8')).toBe('own')
  })
})

describe('a wait', () => {
  it('rejects with what it waited for and the last reason', async () => {
    const wait = until(() => Promise.reject(new Error('not yet')), { what: 'a wonder', timeoutMs: 50 })
    await expect(wait).rejects.toThrow('Waited 50 ms for a wonder')
    await expect(wait).rejects.toMatchObject({ cause: { message: expect.stringMatching(/not yet|a wonder/) } })
    await expect(within(new Promise(() => undefined), { what: 'silence', timeoutMs: 20 })).rejects.toThrow(
      'Waited 20 ms for silence',
    )
  })
})
