import { writeFileSync } from 'node:fs'
import type {} from 'vitest'
import type { TestProject } from 'vitest/node'
import { kafkaSource, prepareKafka } from './kafka/index.js'
import { brokers, environmentUrl, type ServerKind } from './kinds.js'
import { nativeRabbit } from './rabbitmq/programs.js'
import { nativeRedis } from './redis/index.js'
import { createFolder } from './run/folder.js'
import { self } from './run/process.js'
import { clearOwnedBy, sweep } from './run/sweep.js'
import { failureFile, runVariable } from './shared.js'
import { chooseSource } from './sources/choose.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** Which brokers a project's tests need, so that no others are installed for it. All when left out. */
    brokers?: ServerKind[]
  }
}

/** Each project loads this file anew, so what they share lies outside it. */
const runKey = Symbol.for('mq.test-brokers.run')
const shelf = globalThis as { [runKey]?: Promise<string> }

async function begin(): Promise<string> {
  await sweep()
  const run = await createFolder('run')
  // Workers inherit it.
  process.env[runVariable] = run
  return run
}

const sources = { rabbitmq: nativeRabbit, redis: nativeRedis, kafka: kafkaSource(prepareKafka) }

/**
 * vitest's `globalSetup`: ends what earlier runs left, installs what this one needs before any test's time is counted, and
 * at the end removes all that the run has started. Several projects of one run share one set of servers.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const isFirst = shelf[runKey] === undefined
  shelf[runKey] ??= begin()
  const run = await shelf[runKey]

  const needed = project.config.provide.brokers ?? ['rabbitmq', 'redis', 'kafka']
  for (const kind of needed.filter((name) => brokers.wanted(name) && environmentUrl(name) === undefined)) {
    // Only the tests that need this broker fail for it, each with these words.
    await chooseSource(sources[kind]).catch((error: Error) => writeFileSync(failureFile(run, kind), error.message))
  }
  if (!isFirst) return undefined
  return async () => {
    delete shelf[runKey]
    await clearOwnedBy(self)
    // Workers that were ended in the middle of a test.
    await sweep()
  }
}
