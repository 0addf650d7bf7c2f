// Starts a worker, reports that, and waits to be killed.
import { report } from '../../../../test-brokers/src/report.js'
import { startWorkerProcess } from '../../../src/conformance/worker/spawn.js'

const { program, node } = JSON.parse(process.argv[2] ?? '{}')
await startWorkerProcess(program, node)
await report('ready')
setInterval(() => {}, 60_000)
