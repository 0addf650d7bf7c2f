import { stopWithSignals } from '../../scripts/lib/run.mjs'
import { build, serve } from './build.js'

// build | dev, and what vitepress takes: --base /mq/, --port 4000
const [command, ...args] = process.argv.slice(2)
stopWithSignals()
await (command === 'dev' ? serve(args) : build(args)).catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})
