import { describe, expect, it } from 'vitest'
import { walked } from '../src/walk/walked.js'

describe('the way of one message', () => {
  it('is found from publish to the end of its settlement, by file and function', { timeout: 60_000 }, async () => {
    const { done, dead } = await walked('memory', { url: 'memory:', quietMs: 20 })
    const files = [...done.functions.keys()]
    expect(files.every((file) => /^packages\/(core|memory)\/src\/.*\.ts$/.test(file))).toBe(true)
    const groupFile = 'packages/memory/src/group.ts'
    expect(done.functions.get('packages/memory/src/broker.ts')).toContain('publish')
    expect(done.functions.get(groupFile)).toContain('settle')
    expect(done.functions.get(groupFile)).not.toContain('#retry')
    expect(dead.functions.get(groupFile)).toEqual(expect.arrayContaining(['settle', '#retry', '#bury']))
    expect(files).not.toContain('packages/memory/src/timetable.ts')
    expect([...dead.functions.keys()]).toContain('packages/memory/src/timetable.ts')
  })
})
