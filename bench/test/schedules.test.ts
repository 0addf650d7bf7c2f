import { brokers, type ServerKind, shared } from '@mq/test-brokers'
import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { trial } from '../src/schedules/trial.js'

const isLong = process.env.MQ_TEST_LONG === '1'
const seconds = isLong ? 60 : 12
const timeout = 240_000 + seconds * 1_000
const seed = process.env.MQ_CONFORMANCE_SEED ?? String(Date.now())

/** The figures of one trial, which stand in the report when it fails. */
async function figures(broker: ServerKind, storeUrl?: string) {
  const { url } = await shared(broker)
  const random = seedrandom(`${seed} ${broker}`)
  return trial({ broker, url, seconds, random, ...(storeUrl !== undefined && { storeUrl }) })
}

describe.each(['rabbitmq', 'redis', 'kafka'] as const)(
  'three replicas of a schedule on %s, killed at random',
  (kind) => {
    it.skipIf(!brokers.wanted(kind))(
      'run every tick, and at most one tick once more for each failure of the owner',
      { timeout },
      async () => {
        const { missing, extra, kills, ownerKills, ...rest } = await figures(kind)
        const told = `seed ${seed}: ${JSON.stringify({ missing, extra, kills, ownerKills, ...rest })}`
        expect(missing, told).toEqual([])
        expect(kills, told).toBeGreaterThan(0)
        expect(extra, told).toBeLessThanOrEqual(ownerKills)
      },
    )

    it.skipIf(!isLong || !brokers.wanted(kind) || !brokers.wanted('redis'))(
      'run no tick once more where there is a store',
      { timeout },
      async () => {
        const { url } = await shared('redis')
        const { missing, extra, ...rest } = await figures(kind, url)
        const told = `seed ${seed}: ${JSON.stringify({ missing, extra, ...rest })}`
        expect(missing, told).toEqual([])
        expect(extra, told).toBe(0)
      },
    )
  },
)
