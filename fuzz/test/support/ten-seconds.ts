import type { Kind } from '@mq/test-brokers'
import { isRun, silentOn } from '../../src/known.js'
import type { Opened } from '../../src/open.js'
import { type FuzzResult, fuzz, reportOf } from '../../src/run.js'
import { seedsOf } from '../../src/seeds.js'

const inAllMs = 10_000

/** Runs the generators that are not known to fail, with the stored seeds. Resolves to a report of each failure. */
export async function tenSeconds(kind: Kind, { enemy, begin }: Opened): Promise<readonly string[]> {
  const seeds = seedsOf(kind)
  const results: FuzzResult[] = []
  for (const seed of seeds) {
    results.push(
      await fuzz({
        enemy,
        begin,
        seed,
        forMs: inAllMs / seeds.length,
        isWanted: isRun,
        without: silentOn,
        shrinkMs: 20_000,
        stopAtFirst: true,
        print: () => undefined,
      }),
    )
  }
  return results.flatMap(({ failures }) => failures.map((failure) => reportOf(kind, failure)))
}
