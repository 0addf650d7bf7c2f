import { fileURLToPath } from 'node:url'
import { help, parseCommand } from './args.js'
import { brokerConfig, databaseUrl, withoutSecrets } from './broker.js'
import { runDemo } from './demo.js'
import { runWorker } from './worker-process.js'

const command = parseCommand(process.argv.slice(2))
const brokerUrl = (command.kind === 'demo' ? command.broker : undefined) ?? process.env.MQ_URL ?? ''

try {
  process.exitCode = await run()
} catch (error) {
  // The text is for people, so it has no stack, and no password that a driver may have put into it.
  const given = command.kind === 'demo' ? command.database : undefined
  const database = given ?? process.env.DEMO_DATABASE_URL ?? ''
  console.error(withoutSecrets(withoutSecrets((error as Error).message, brokerUrl), database))
  process.exitCode = 1
}
// A socket may still be open. The process ends all the same; its output has been written by then.
setTimeout(() => process.exit(), 1_000).unref()

async function run(): Promise<number> {
  if (command.kind === 'help') {
    process.stdout.write(help)
    return 0
  }
  if (command.kind === 'wrong') {
    console.error(`${command.why}\nTry --help`)
    return 2
  }
  if (command.kind === 'worker') return runWorker(process.env)

  const interrupted = new AbortController()
  const signals = { SIGINT: 130, SIGTERM: 143 } as const
  let interruptedCode = 0
  for (const [signal, code] of Object.entries(signals)) {
    process.on(signal, () => {
      // The second signal ends the process at once.
      if (interrupted.signal.aborted) process.exit(code)
      interruptedCode = code
      interrupted.abort()
    })
  }
  const config = brokerConfig(command.broker, process.env)
  const ending = await runDemo({
    config,
    database: databaseUrl(command.database, process.env, config.url),
    port: command.port,
    keep: command.keep,
    entry: fileURLToPath(import.meta.url),
    timeoutMs: timeoutMs(process.env.DEMO_TIMEOUT_MS),
    swallows: (process.env.DEMO_MAILBOX_SWALLOWS ?? '').split(',').filter((address) => address !== ''),
    interrupted: interrupted.signal,
  })
  return { good: 0, bad: 1, interrupted: interruptedCode }[ending]
}

function timeoutMs(text = '60000'): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new Error(`DEMO_TIMEOUT_MS must be a number of milliseconds, not '${text}'`)
  return Number(text)
}
