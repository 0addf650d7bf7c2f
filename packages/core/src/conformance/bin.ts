#!/usr/bin/env node
import { writeSync } from 'node:fs'
import { main } from './runner/cli.js'
import { watchProcess } from './runner/watch-process.js'

const watch = watchProcess()
// Synchronous, so that every line is out before the process ends.
const print = (line: string): void => void writeSync(1, `${line}\n`)
const code = await main(process.argv.slice(2), print)
const failures = watch.end()
for (const { message } of failures) print(`mq-conformance: ${message}`)
// A socket or a timer that the adapter has left behind must not keep the command from ending.
process.exit(failures.length > 0 && code === 0 ? 1 : code)
