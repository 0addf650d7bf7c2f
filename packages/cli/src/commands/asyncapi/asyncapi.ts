import type { Broker } from '@mq/asyncapi'
import type { Command } from 'commander'
import { CommandFailure, exitCode, usageFailure } from '../../exit-codes.js'
import { collect } from '../../input/collect.js'
import { safeText } from '../../output/escape.js'
import type { Session } from '../../session.js'
import type { Register } from '../register.js'
import { failOnOption, readFailOn, showChanges } from './changes.js'
import { documentAt, documentOfModule, formatOf, loadAsyncapi, type Settings, writeText } from './documents.js'

interface Options {
  readonly output?: string
  readonly yaml?: boolean
  readonly against?: string
  readonly failOn: string
  readonly strict?: boolean
  readonly title?: string
  readonly apiVersion?: string
  readonly broker?: string
  readonly prefix: readonly string[]
  readonly server: readonly string[]
}

export const asyncapi: Register = (program, run) => {
  const command = program
    .command('asyncapi')
    .argument('<module>', 'a JavaScript module that exports definitions')
    .description('describe events and tasks as an AsyncAPI document, and say which change breaks whom')
    .option('--output <file>', 'write the document to a file; .yaml writes YAML (default: stdout)')
    .option('--yaml', 'print YAML instead of JSON')
    .option('--against <document>', 'show what has changed since this document, instead of printing the new one')
    .option(...failOnOption)
    .option('--strict', 'fail if a message has no schema')
    .option('--title <text>', 'the name of the application (default: that of its package)')
    .option('--api-version <version>', 'the version of the document (default: that of the package)')
    .option('--broker <names>', 'the brokers that it describes, as in kafka,redis (default: those of --server, or all)')
    .option('--prefix <broker=prefix>', "the adapter's option prefix; may be given again", collect, [])
    .option('--server <name=url>', 'a server, whose user and password are left out; may be given again', collect, [])
    .addHelpText('after', help)
    .action(
      run(async (session, command: Command, module: string) => {
        await describeModule(session, module, command.opts<Options>())
      }),
    )
  command
    .command('diff <old> <new>')
    .description('say which change breaks readers and which breaks writers')
    .option(...failOnOption)
    .addHelpText('after', diffHelp)
    .action(
      run(async (session, command: Command, old: string, now: string) => {
        // The command above has an option of this name, too, and takes what stands before the arguments.
        const failOn = readFailOn(command.optsWithGlobals<Pick<Options, 'failOn'>>().failOn)
        const asyncapi = await loadAsyncapi()
        const [before, after] = [await documentAt(asyncapi, old), await documentAt(asyncapi, now)]
        await showChanges(session, asyncapi, { before, after, failOn })
      }),
    )
}

const help = `
It needs the package @mq/asyncapi beside this command: npm install @mq/asyncapi
TypeScript works where Node loads it, from 22.18 on, or with NODE_OPTIONS='--import tsx'.

Examples:
  mq asyncapi ./events.js
  mq asyncapi ./events.js --output asyncapi.yaml --server production=kafka://kafka.example.com:9092
  mq asyncapi ./events.js --against asyncapi.yaml
  mq asyncapi diff old.json new.json`

const diffHelp = `
Each of the two is a document of AsyncAPI 3 in JSON or YAML, or a module that exports definitions.
Exit code 1 says that a change breaks readers or writers.

Examples:
  mq asyncapi diff old.json new.json
  mq asyncapi diff asyncapi.yaml ./events.js --fail-on writers`

async function describeModule(session: Session, module: string, options: Options): Promise<void> {
  const { screen } = session
  const { output, yaml, against, strict = false } = options
  const failOn = readFailOn(options.failOn)
  const settings = settingsOf(options)
  const asyncapi = await loadAsyncapi()
  const document = await documentOfModule(asyncapi, module, settings)
  const missing = asyncapi.missingSchemas(document)
  for (const { message, reason } of missing) screen.note(`mq: ${safeText(message)}: ${safeText(reason)}`)
  if (strict && missing.length > 0)
    throw new CommandFailure(exitCode.failed, `--strict: ${missing.length} without a schema`)
  if (against !== undefined) {
    await showChanges(session, asyncapi, { before: await documentAt(asyncapi, against), after: document, failOn })
  }
  if (output !== undefined) await writeText(output, asyncapi.documentText(document, yaml ? 'yaml' : formatOf(output)))
  else if (against === undefined) {
    if (session.options.json) await screen.json(document)
    else await screen.line(asyncapi.documentText(document, yaml ? 'yaml' : 'json').trimEnd())
  }
}

function settingsOf({ title, apiVersion, broker, prefix, server }: Options): Settings {
  const servers = pairsOf(server, '--server has a name and a URL: --server production=redis://host')
  const prefixes = pairsOf(prefix, '--prefix has a broker and a prefix: --prefix kafka=shop')
  return {
    ...(title !== undefined && { title }),
    ...(apiVersion !== undefined && { version: apiVersion }),
    ...(broker !== undefined && { brokers: broker.split(',') as Broker[] }),
    ...(prefixes !== undefined && { prefixes }),
    ...(servers !== undefined && { servers }),
  }
}

function pairsOf(pairs: readonly string[], rule: string): Readonly<Record<string, string>> | undefined {
  if (pairs.length === 0) return undefined
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw usageFailure(rule)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
