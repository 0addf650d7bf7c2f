// Takes one measurement in a process of its own, so that no contender inherits another's heap. Prints the figures as JSON.
import { measure, type Workload } from './measure.js'
import type { OpenSystem } from './system.js'

const { system, url, topic, work } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly system: string
  readonly url: string
  readonly topic: string
  readonly work: Workload
}
const { open } = (await import(`./systems/${system}.ts`)) as { readonly open: OpenSystem }
const figures = await measure(open, { url, topic }, work)
process.stdout.write(`\n${JSON.stringify(figures)}\n`, () => process.exit(0))
