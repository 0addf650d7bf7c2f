import { describe, expect, it } from 'vitest'
import { namesFor } from '../src/contenders.js'
import { measure } from '../src/measure.js'
import type { Round } from '../src/rounds.js'
import { open } from '../src/systems/ours.js'
import { head, markdownTable, rows } from '../src/table.js'

const round = (system: string, publishPerSecond: number): Round => ({
  system,
  figures: { publishPerSecond, drainPerSecond: 1, latencyP50Ms: 1, latencyP99Ms: 1, peakRssMiB: 1, brokerBytes: 2 },
})

describe('the benchmark', () => {
  it('measures every figure of a system', async () => {
    const work = { messages: 300, bytes: 50, inFlight: 20, perSecond: 200, latencyMs: 200 }
    const figures = await measure(open, { url: 'memory:', topic: 'bench' }, work)
    for (const [name, value] of Object.entries(figures)) expect(value, name).toBeGreaterThan(0)
  })

  it('compares within a round, so that a machine that changes its speed changes no ratio', () => {
    const results = [round('ours', 100), round('bullmq', 50), round('ours', 10), round('bullmq', 5), round('ours', 8)]
    const table = rows(namesFor('redis'), [
      ...results,
      round('bullmq', 8),
      ...[1, 1, 1].map((speed) => round('ioredis-raw', speed)),
      ...[2, 2, 2].map((speed) => round('ioredis-body', speed)),
    ])
    expect(table.map((row) => row.slice(0, 2))).toEqual([
      ['@mq/redis', '10'],
      ['ioredis, raw', '1 (ours 10.00 x)'],
      ['ioredis, body alone', '2 (ours 5.00 x)'],
      ['BullMQ', '8 (ours 2.00 x)'],
    ])
    expect(markdownTable(head, table).split('\n')[2]).toBe('| @mq/redis | 10 | 1 | 1 | 1 | 1 | 2 |')
  })
})
