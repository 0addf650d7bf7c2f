import { parseArgs } from 'node:util'
import { createQueue, type Queue } from '@mq/core'
import { memory } from '@mq/memory'
import { instrument } from '@mq/opentelemetry'

/**
 * Measures what `instrument` costs where there is no provider. The queues take turns within a round, because machines change their speed
 * between rounds, and the one that begins changes too.
 */
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, messages: { type: 'string', default: '20000' } },
})
const rounds = Number(values.rounds)
const messages = Number(values.messages)

interface Contender {
  readonly queue: Queue
  /** Publishes messages that wait, as their group is paused. */
  wait(): Promise<void>
  /** Handles those messages. */
  handled(): Promise<void>
}

async function contender(prepare: (queue: Queue) => void): Promise<Contender> {
  const adapter = memory()
  const queue = createQueue(adapter)
  prepare(queue)
  await queue.connect()
  let left = 0
  let resolve: (() => void) | undefined
  const onMessage = (): void => {
    left -= 1
    if (left === 0) resolve?.()
  }
  await queue.subscribe('handled', onMessage, { group: 'g', concurrency: 100 })
  return {
    queue,
    async wait() {
      await queue.pauseGroup('handled', 'g')
      for (let count = 0; count < messages; count++) await queue.publish('handled', 1)
      left = messages
    },
    async handled() {
      const done = new Promise<void>((end) => {
        resolve = end
      })
      await queue.resumeGroup('handled', 'g')
      await done
    },
  }
}

/** Returns the microseconds of processor time for each message. Other processes do not add to it. */
async function costOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / messages
}

async function publish({ queue }: Contender): Promise<void> {
  for (let count = 0; count < messages; count++) await queue.publish('unheard', 1)
}

const measures = {
  'a publish': { before: async () => {}, work: publish },
  'a run': { before: ({ wait }: Contender) => wait(), work: ({ handled }: Contender) => handled() },
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const contenders = {
  plain: await contender(() => {}),
  // A middleware that only passes on, for comparison.
  passing: await contender((queue) =>
    queue.use({ publish: (request, next) => next(request), settle: async (_, next) => void (await next()) }),
  ),
  instrumented: await contender((queue) => void instrument(queue)),
}
type Name = keyof typeof contenders

for (const [what, measure] of Object.entries(measures)) {
  const times: Record<Name, number[]> = { plain: [], passing: [], instrumented: [] }
  const names = Object.keys(contenders) as Name[]
  for (let round = -3; round < rounds; round++) {
    // The first rounds only warm up.
    for (const name of names) {
      await measure.before(contenders[name])
      const took = await costOf(() => measure.work(contenders[name]))
      if (round >= 0) times[name].push(took)
    }
    names.push(names.shift() as Name)
  }
  const more = (name: Name): string => {
    const differences = times[name].map((time, round) => time - (times.plain[round] ?? Number.NaN))
    return `${median(differences).toFixed(2)} µs more`
  }
  console.log(
    `${what}: plain ${median(times.plain).toFixed(2)} µs; passing middleware ${more('passing')}; instrumented ${more('instrumented')}`,
  )
}
await Promise.all(Object.values(contenders).map(({ queue }) => queue.disconnect()))
