import { describe, expect, it } from 'vitest'
import type { KafkaRecord } from '../src/driver/records/record-batch.js'
import { markOf, noteOf } from '../src/topology/group-notes.js'
import { createPauses } from '../src/topology/pauses.js'
import type { Topology } from '../src/topology/topology.js'

const recordOf = (value: string): KafkaRecord => ({
  offset: 0,
  bytes: value.length,
  timestampMs: 0,
  key: undefined,
  value: Buffer.from(value),
  headers: [],
})

describe('a group', () => {
  it('that two processes pause at the same time has the mark of the first, also after compaction', async () => {
    const log: KafkaRecord[] = []
    const notesOf = async () => log.map(noteOf).filter((note) => note !== undefined)
    const [topology, ref] = [
      { plan: { main: String, delay: String, retry: String, dead: String } },
      { topic: 't', group: 'g' },
    ]
    const add = (value: string): void => void log.push(recordOf(value))
    const pauses = createPauses({
      topology: topology as unknown as Topology,
      notesOf,
      append: async (_, { value }) => {
        // The other process has looked before this one has written.
        if (log.length === 1) add('{"kind":"paused","since":5,"by":"Ada"}')
        add(String(value))
      },
    })
    add('{"kind":"committed"}')
    await pauses.pause(ref, { since: 6, by: 'Bob' })
    expect(await pauses.markOf(ref)).toEqual({ since: 5, by: 'Ada' })
    // All marks have one key, so compaction keeps the last.
    log.splice(1, log.length - 2)
    expect(await pauses.markOf(ref)).toEqual({ since: 5, by: 'Ada' })
    await pauses.resume(ref)
    expect(await pauses.markOf(ref)).toBeUndefined()
  })
})

describe('a note of a group', () => {
  const paused = '{"kind":"paused","since":5,"by":"Ada"}'

  it('counts if this version knows it, and its pause only if it is whole', () => {
    const values = ['', 'null', '[]', '{', '"paused"', '{"kind":"later"}', '{"kind":"paused","since":"5","by":"Ada"}']
    for (const value of values) expect(noteOf(recordOf(value)), value).toBeUndefined()
    expect(noteOf(recordOf(paused))).toEqual({ kind: 'paused', since: 5, by: 'Ada' })
  })

  it('pauses a group until the next one that resumes it', () => {
    const first = { kind: 'paused', since: 5, by: 'Ada' } as const
    const second = { kind: 'paused', since: 6, by: 'Bob' } as const
    const resumed = { kind: 'resumed' } as const
    expect(markOf([{ kind: 'committed' }])).toBeUndefined()
    expect(markOf([first, second])).toEqual({ since: 5, by: 'Ada' })
    expect(markOf([first, resumed])).toBeUndefined()
    expect(markOf([first, resumed, second])).toEqual({ since: 6, by: 'Bob' })
  })
})
