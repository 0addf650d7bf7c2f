#!/usr/bin/env node
import { constants } from 'node:os'
import { runCommand } from './run.js'

const controller = new AbortController()

/** The first signal ends the command after its current part. The second one ends it at once. */
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[name])
    controller.abort(name)
  })
}

process.exitCode = await runCommand(process.argv.slice(2), { signal: controller.signal })
// A connection that does not close must not keep the command alive. What was written is out by then.
setTimeout(() => process.exit(), 2_000).unref()
