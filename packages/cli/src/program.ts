import { Command, type CommanderError } from 'commander'
import { asyncapi } from './commands/asyncapi/asyncapi.js'
import { dead } from './commands/dead/dead.js'
import { doctor } from './commands/doctor/doctor.js'
import { groups } from './commands/groups/groups.js'
import { pause } from './commands/groups/pause.js'
import { migrate } from './commands/migrate/migrate.js'
import { page } from './commands/page/page.js'
import { publish } from './commands/publish.js'
import type { Register, Run } from './commands/register.js'
import { schedules } from './commands/schedules.js'
import { stats } from './commands/stats.js'
import { tail } from './commands/tail.js'
import { task } from './commands/task/task.js'
import { topics } from './commands/topics.js'
import { change } from './commands/waiting/change.js'
import { waiting } from './commands/waiting/waiting.js'
import type { Screen } from './output/screen.js'
import { createSession, type GlobalOptions } from './session.js'
import type { Terminal } from './terminal.js'
import { version } from './version.js'

const commands: readonly Register[] = [
  topics,
  groups,
  stats,
  waiting,
  change,
  pause,
  tail,
  publish,
  dead,
  task,
  schedules,
  doctor,
  page,
  asyncapi,
  migrate,
]

/** Builds the command with everything that it can do. It throws a `CommanderError` instead of ending the process. */
export function createProgram(terminal: Terminal, screen: Screen): Command {
  const program = new Command('mq')
  const run: Run =
    (work) =>
    async (...given) => {
      // Commander adds the options and the command behind the arguments.
      const command = given.at(-1) as Command
      const session = createSession(terminal, screen, command.optsWithGlobals<GlobalOptions>())
      await work(session, command, ...(given.slice(0, -2) as never))
    }
  program
    .description('Looks into queues, pauses groups, works with dead letters, and finds what is wrong.')
    .option('--url <url>', 'where the queue is (default: MQ_URL, which keeps a password out of the list of processes)')
    .option('--json', 'print JSON for programs')
    .option('--yes', 'do not ask before something is destroyed')
    .version(version(), '--version', 'print the version')
    .helpOption('--help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', help)
    .showHelpAfterError('(mq help lists the commands)')
  for (const add of commands) add(program, run)
  for (const command of withNested(program)) {
    command.exitOverride((error: CommanderError) => {
      throw error
    })
    command.configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    // Every command takes these, before or behind its own name.
    command.helpOption('--help', 'print help')
  }
  return program
}

const withNested = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withNested)]

const help = `
The broker is found by the scheme of the URL: amqp://, amqps://, redis://, rediss://, kafka:// or postgres://. Its
adapter has to be installed
beside this command: npm install @mq/redis, for example.

Data goes to stdout and everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong use, 3 not found or nothing matched,
130 ended by Ctrl-C before it was done.

Examples:
  export MQ_URL=redis://localhost:6379
  mq topics
  mq stats mail mailer
  mq waiting mail mailer --state retrying
  mq pause mail mailer --by 'Ada: the provider is down'
  mq dead list mail mailer --where reason=timeout
  mq dead replay mail mailer --rate 50
  mq tail mail --limit 1 --json | jq .data
  mq doctor
  mq page`
