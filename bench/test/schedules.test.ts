import { brokers, type ServerKind, shared } from '@mq/test-brokers'
import seedrandom from 'seedrandom'
import { describe, expect, it } from 'vitest'
import { trial } from '../src/schedules/trial.js'

const isLong = process.env.MQ_TEST_LONG === '1'
const seconds = isLong ? 60 : 12
const timeout = 240_000 + seconds * 1_000
const seed = process.env.MQ_CONFORMANCE_SEED ?? String(Date.now())

/** Runs one trial and returns its figures, which a failing assertion shows. */
async function figures(broker: ServerKind, storeUrl?: string) {
  const { url } = await shared(broker)
  const random = seedrandom(`${seed} ${broker}`)
  return trial({ broker, url, seconds, random, ...(storeUrl !== undefined && { storeUrl }) })
}

describe.each(['rabbitmq', 'redis', 'kafka'] as const)(
  'three replicas of a schedule on %s, killed at random',
  (kind) => {
    it.skipIf(!brokers.wanted(kind))(
      'run every tick, and run a tick once more at most once for each failure of the owner',
      { timeout },
      async () => {
        const { missing, extra, kills, ownerKills, ...rest } = await figures(kind)
        const shown = `seed ${seed}: ${JSON.stringify({ missing, extra, kills, ownerKills, ...rest })}`
        expect(missing, shown).toEqual([])
        expect(kills, shown).toBeGreaterThan(0)
        expect(extra, shown).toBeLessThanOrEqual(ownerKills)
      },
    )

    it.skipIf(!isLong || !brokers.wanted(kind) || !brokers.wanted('redis'))(
      'run no tick once more if there is a store',
      { timeout },
      async () => {
        const { url } = await shared('redis')
        const { missing, extra, ...rest } = await figures(kind, url)
        const shown = `seed ${seed}: ${JSON.stringify({ missing, extra, ...rest })}`
        expect(missing, shown).toEqual([])
        expect(extra, shown).toBe(0)
      },
    )
  },
)
