import type { Command } from 'commander'
import { usageFailure } from '../../exit-codes.js'
import type { Session } from '../../session.js'
import { loadPackage } from '../load-package.js'
import type { Register } from '../register.js'

type PostgresPackage = typeof import('@mq/postgres')

interface Options {
  readonly sql?: boolean
  readonly schema?: string
  readonly from: string
}

export const migrate: Register = (program, run) => {
  program
    .command('migrate')
    .description('make or raise the tables of @mq/postgres, or print the SQL that does it')
    .option('--sql', 'print the SQL for a tool of your own; no database is needed')
    .option('--schema <name>', 'the schema of the tables (default: mq)')
    .option('--from <version>', 'with --sql: the version that the tables have; 0 if there are none', '0')
    .addHelpText('after', help)
    .action(
      run(async (session, command: Command) => {
        const { sql = false, schema, from } = command.opts<Options>()
        const postgres = await loadPackage<PostgresPackage>('@mq/postgres', 'mq migrate')
        if (sql) await print(session, postgres, { schema, from: readVersion(from) })
        else await raise(session, postgres, schema)
      }),
    )
}

const help = `
It needs the package @mq/postgres beside this command, and a user who may create the schema. Each version is one transaction.

Examples:
  mq migrate
  mq migrate --schema queue
  mq migrate --sql --schema queue > queue.sql`

interface PrintOptions {
  readonly schema: string | undefined
  readonly from: number
}

async function print(
  { screen, options }: Session,
  { migrations }: PostgresPackage,
  given: PrintOptions,
): Promise<void> {
  const steps = migrations(given)
  if (options.json) return await screen.json(steps)
  for (const { version, sql } of steps) await screen.line(`-- version ${version}\nBEGIN;\n${sql.trim()}\nCOMMIT;`)
}

async function raise(session: Session, { postgres }: PostgresPackage, schema: string | undefined): Promise<void> {
  const { screen, options } = session
  const adapter = postgres({ url: session.url(), schema })
  try {
    await adapter.connect()
  } finally {
    await adapter.disconnect({ timeoutMs: 1_000 })
  }
  const name = schema ?? 'mq'
  await (options.json ? screen.json({ schema: name }) : screen.line(`the tables in the schema ${name} are up to date`))
}

function readVersion(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw usageFailure('--from is the number of a version')
}
