import { parseArgs } from 'node:util'
import { isPostgres, shownUrl } from './broker.js'

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'worker' }
  | { readonly kind: 'wrong'; readonly why: string }
  | {
      readonly kind: 'demo'
      readonly broker: string | undefined
      readonly database: string | undefined
      readonly port: number
      readonly keep: boolean
    }

export const help = `People sign up by HTTP. Through a queue and by real SMTP, a mail arrives in the mailbox of each.

Usage: npm run demo -- [options]      or: node apps/demo/dist/main.js [options]

  --broker URL   the broker: memory: (the default), amqp://, redis://, postgres:// or kafka://. You can set MQ_URL instead.
                 With any broker but memory: the web server and the worker are two processes.
  --database URL keeps users in PostgreSQL, and publishes in the same transaction: postgres://. You can set DEMO_DATABASE_URL instead.
                 Default: the broker, if it is PostgreSQL, and otherwise none
  --port NUMBER  the port of the web server on 127.0.0.1. Default: any free port
  --keep         leaves everything running afterwards, so that you can sign up with curl; Ctrl-C ends it
  --help         prints this text

Exit code: 0 if every sign-up ended as expected, 1 if not, 2 for a wrong option.
`

const options = {
  broker: { type: 'string' },
  database: { type: 'string' },
  port: { type: 'string' },
  keep: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

export function parseCommand(args: readonly string[]): Command {
  // pnpm passes on the `--` that npm removes.
  const given = args[0] === '--' ? args.slice(1) : [...args]
  try {
    const { values, positionals } = parseArgs({ args: given, options, allowPositionals: true })
    if (values.help === true) return { kind: 'help' }
    const [first] = positionals
    if (first === 'worker' && given.length === 1) return { kind: 'worker' }
    if (first !== undefined) return wrong(`Unexpected argument '${shownUrl(first)}'`)
    if (values.broker?.trim() === '') return wrong('--broker needs a URL, redis://localhost:6379 for example')
    const port = values.port ?? '0'
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return wrong('--port is a number from 0 to 65535')
    if (values.database !== undefined && !isPostgres(values.database))
      return wrong('--database needs a URL, postgres://localhost/shop for example')
    return {
      kind: 'demo',
      broker: values.broker,
      database: values.database,
      port: Number(port),
      keep: values.keep ?? false,
    }
  } catch (error) {
    // The rest of the text explains positional arguments, of which there are none here.
    const [why = ''] = (error as Error).message.split(/\. To specify|\n/)
    return wrong(why)
  }
}

const wrong = (why: string): Command => ({ kind: 'wrong', why })
