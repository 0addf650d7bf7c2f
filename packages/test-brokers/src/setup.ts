import { writeFileSync } from 'node:fs'
import type {} from 'vitest'
import type { TestProject } from 'vitest/node'
import { kafkaSource, prepareKafka } from './kafka/index.js'
import { brokers, environmentUrl, type ServerKind } from './kinds.js'
import { nativePostgres } from './postgres/programs.js'
import { nativeRabbit } from './rabbitmq/programs.js'
import { nativeRedis } from './redis/programs.js'
import { createFolder } from './run/folder.js'
import { self } from './run/process.js'
import { clearOwnedBy, sweep } from './run/sweep.js'
import { failureFile, runVariable } from './shared.js'
import { chooseSource } from './sources/choose.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The brokers that a project's tests need. No others are installed for it. Default: all. */
    brokers?: ServerKind[]
  }
}

/** Each project loads this file again, so the shared state lives outside it. */
const runKey = Symbol.for('mq.test-brokers.run')
const shelf = globalThis as { [runKey]?: Promise<string> }

async function begin(): Promise<string> {
  await sweep()
  const run = await createFolder('run')
  // Workers inherit this variable.
  process.env[runVariable] = run
  return run
}

const sources = {
  rabbitmq: nativeRabbit,
  redis: nativeRedis,
  kafka: kafkaSource(prepareKafka),
  postgres: nativePostgres,
}

/**
 * The `globalSetup` of vitest. Cleans up after earlier runs, and installs what this run needs before the time of any test
 * counts. At the end it removes everything that the run has started. Projects of one run share their servers.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const isFirst = shelf[runKey] === undefined
  shelf[runKey] ??= begin()
  const run = await shelf[runKey]

  const needed = project.config.provide.brokers ?? ['rabbitmq', 'redis', 'kafka', 'postgres']
  for (const kind of needed.filter((name) => brokers.wanted(name) && environmentUrl(name) === undefined)) {
    // Only the tests that need this broker fail, each with this text.
    await chooseSource(sources[kind]).catch((error: Error) => writeFileSync(failureFile(run, kind), error.message))
  }
  if (!isFirst) return undefined
  return async () => {
    delete shelf[runKey]
    await clearOwnedBy(self)
    // Removes what is left by workers that were ended during a test.
    await sweep()
  }
}
