// Fills a backlog or drains it, in a process of its own, so that the memory of the one is not that of the other. Prints the figures.
import { inTime, publishAll } from '../../measure.js'
import type { OpenSystem } from '../../system.js'
import type { BacklogJob, Drained } from './backlog-plan.js'

const { phase, system: file, url, topic, messages, bytes } = JSON.parse(process.argv[2] ?? '{}') as BacklogJob
const concurrency = 100
const inFlight = 1_000

const { open } = (await import(`../../systems/${file}.ts`)) as { readonly open: OpenSystem }
const system = await open({ url, topic, concurrency, isPrepared: phase === 'drain' })

async function fill(): Promise<object> {
  await inTime(messages, publishAll(system, messages, { bytes, inFlight }))
  return {}
}

async function drain(): Promise<Drained> {
  const startedAt = performance.now()
  let firstMs = Number.NaN
  let handled = 0
  await inTime(
    messages,
    new Promise<void>((resolve, reject) => {
      const handler = (): void => {
        if (handled === 0) firstMs = performance.now() - startedAt
        handled += 1
        if (handled === messages) resolve()
      }
      system.consume(handler).catch(reject)
    }),
  )
  const seconds = (performance.now() - startedAt - firstMs) / 1_000
  const peakMiB = process.resourceUsage().maxRSS / 1_024
  return { firstMs, drainPerSecond: messages / Math.max(seconds, 0.001), peakMiB }
}

const figures = phase === 'fill' ? await fill() : await drain()
await system.close()
process.stdout.write(`\n${JSON.stringify(figures)}\n`, () => process.exit(0))
