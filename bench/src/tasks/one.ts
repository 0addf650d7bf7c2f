// Takes one measurement in a process of its own. Prints the figures as JSON.
import { randomUUID } from 'node:crypto'
import type { OpenAsker } from './asker.js'

export interface TaskFigures {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly perSecond: number
}

const { system, url, tasks } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly system: string
  readonly url: string
  readonly tasks: number
}
const inFlight = 50
const { open } = (await import(`./systems/${system}.ts`)) as { readonly open: OpenAsker }
const asker = await open({ url, name: `bench-${randomUUID()}`, concurrency: inFlight })
const input = { text: 'x'.repeat(200) }

async function together(count: number): Promise<void> {
  let left = count
  const one = async (): Promise<void> => {
    while (left-- > 0) await asker.run(input)
  }
  await Promise.all(Array.from({ length: inFlight }, one))
}

await together(500)
const waits: number[] = []
for (let number = 0; number < 300; number++) {
  const startedAt = performance.now()
  await asker.run(input)
  waits.push(performance.now() - startedAt)
}
waits.sort((one, other) => one - other)
const startedAt = performance.now()
await together(tasks)
const perSecond = (tasks / (performance.now() - startedAt)) * 1_000
await asker.close()
const figures: TaskFigures = { p50Ms: waits[150] ?? Number.NaN, p99Ms: waits[296] ?? Number.NaN, perSecond }
process.stdout.write(`\n${JSON.stringify(figures)}\n`, () => process.exit(0))
