import { openQueue } from '@mq/core'
import { type Letter, lettersFrom } from '@mq/fuzz'
import { group, numberOf } from './plan.js'

/** The largest list that may be asked for. */
const limit = 10_000

export interface Found {
  /** Numbers of our messages. */
  readonly ours: ReadonlySet<number>
  /** The reason of each. */
  readonly reasons: ReadonlyMap<number, string>
  readonly foreign: readonly Letter[]
}

/** Lists the dead letters of all topics, past every fault, and removes those of other programs. */
export async function takeLetters(url: string, topics: readonly string[]): Promise<Found> {
  const reasons = new Map<number, string>()
  const foreign: Letter[] = []
  const queue = await openQueue(url, { group })
  try {
    const purges: (() => Promise<unknown>)[] = []
    for (const topic of topics) {
      const deadLetters = queue.deadLetters(topic)
      const all = await deadLetters.list({ limit })
      const others = all.filter(({ data }) => numberOf(data) === undefined)
      for (const { data, failure } of all) {
        const number = numberOf(data)
        if (number !== undefined) reasons.set(number, `${failure.reason}, ${failure.error.message}`)
      }
      foreign.push(...lettersFrom(topic, others))
      if (others.length > 0) purges.push(() => deadLetters.purge(others.map(({ entryId }) => entryId)))
    }
    // Not before all were listed. What stays because a purge takes too long is listed again.
    for (const purge of purges) await purge().catch(() => undefined)
  } finally {
    await queue.disconnect()
  }
  return { ours: new Set(reasons.keys()), reasons, foreign }
}
