import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Application } from '../application.js'
import { command, type Place } from '../command.js'
import type { StartedBrokers } from './brokers.js'
import type { Runtime } from './runtime.js'
import type { Trial } from './table.js'

interface Trying {
  readonly runtime: Runtime
  readonly app: Application
  readonly brokers: StartedBrokers
  readonly onTrial: (trial: Trial) => void
  /** The file for the suite's report. */
  readonly suiteReport: string
}

const timeoutMs = 300_000

/** Runs the suite by its command, then the application `smoke.mjs` on each broker, one after the other. */
export async function tryOn({ runtime, app, brokers, onTrial, suiteReport }: Trying): Promise<readonly Trial[]> {
  const place: Place = { cwd: app.folder, env: runtime.env, timeoutMs }
  const trials: Trial[] = []
  const trial = async (what: string, work: () => Promise<string>): Promise<void> => {
    const tried = await work().then(
      (result) => ({ result }),
      (error: Error) => ({ result: '', problem: error.message }),
    )
    trials.push({ runtime: runtime.name, what, ...tried })
    onTrial({ runtime: runtime.name, what, ...tried })
  }

  await trial('suite on memory', async () => {
    // The command is found by its link, which names a file of JavaScript for whatever runs it.
    const suite = realpathSync(join(app.folder, 'node_modules', '.bin', 'mq-conformance'))
    const options = ['@mq/memory', '--options', '{"url":"memory://suite"}', '--complete', '--json', suiteReport]
    const output = await command([...runtime.writingCommand, suite, ...options], place)
    const [, passed] = /^Every promise that was tested holds: (\d+) passed/m.exec(output) ?? []
    if (passed === undefined || passed === '0') throw new Error(`The suite does not say what it tested:\n${output}`)
    return `${passed} passed`
  })
  for (const { kind, url } of brokers.urls) {
    await trial(kind, async () => {
      const output = await command([...runtime.command, 'smoke.mjs', url], place)
      const steps = output.split('\n').filter((line) => line.startsWith('✔')).length
      return `${steps} passed`
    })
  }
  return trials
}
