import { join } from 'node:path'
import type { Application } from '../application.js'
import { command, type Place } from '../command.js'
import type { StartedBrokers } from './brokers.js'
import type { InstalledNode } from './node.js'
import type { Trial } from './table.js'

interface Trying {
  readonly node: InstalledNode
  readonly app: Application
  readonly brokers: StartedBrokers
  readonly onTrial: (trial: Trial) => void
}

const timeoutMs = 300_000

/** Runs the suite by its command, then the application `smoke.mjs` on each broker, one after the other. */
export async function tryOn({ node, app, brokers, onTrial }: Trying): Promise<readonly Trial[]> {
  const place: Place = { cwd: app.folder, env: node.env, timeoutMs }
  const trials: Trial[] = []
  const trial = async (what: string, work: () => Promise<string>): Promise<void> => {
    const tried = await work().then(
      (result) => ({ result }),
      (error: Error) => ({ result: '', problem: error.message }),
    )
    trials.push({ version: node.version, what, ...tried })
    onTrial({ version: node.version, what, ...tried })
  }

  await trial('suite on memory', async () => {
    const suite = join(app.folder, 'node_modules', '.bin', 'mq-conformance')
    const output = await command([suite, '@mq/memory', '--options', '{"url":"memory://suite"}', '--complete'], place)
    const [, passed] = /^Every promise that was tested holds: (\d+) passed/m.exec(output) ?? []
    if (passed === undefined || passed === '0') throw new Error(`The suite does not say what it tested:\n${output}`)
    return `${passed} passed`
  })
  for (const { kind, url } of brokers.urls) {
    await trial(kind, async () => {
      const output = await command([node.program, '--expose-gc', 'smoke.mjs', url], place)
      const steps = output.split('\n').filter((line) => line.startsWith('✔')).length
      return `${steps} passed`
    })
  }
  return trials
}
