#!/usr/bin/env node
import { main } from './runner/cli.js'

process.exitCode = await main(process.argv.slice(2))
