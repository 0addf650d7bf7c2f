import { createScheduler, isMqError, type Queue, type Task, type TaskScheduler } from '@mq/core'
import type { Command } from 'commander'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { collect } from '../../input/collect.js'
import { readData, readHeaders } from '../../input/data.js'
import { requireDuration } from '../../input/duration.js'
import { safeText } from '../../output/escape.js'
import type { Session } from '../../session.js'
import type { Register } from '../register.js'
import { showResult } from './result.js'
import { runTask } from './run.js'
import { openStore } from './store.js'

export interface RunFlags {
  readonly header: readonly string[]
  readonly delay?: string
  readonly expires?: string
  readonly key?: string
  readonly id?: string
  readonly wait: boolean
  readonly timeout: string
}

export const task: Register = (program, run) => {
  const parent = program.command('task').description('run a task, cancel it, and read its result')
  const withStore = (command: Command): Command =>
    command.option(
      '--store <url>',
      'where the tasks keep their state (default: MQ_STORE_URL, or the queue if it is a Redis or a PostgreSQL)',
    )

  parent
    .command('run <task> [input]')
    .description('enqueue a task and wait for its result; "-" reads the input from stdin')
    .option('--no-wait', 'print the id and end, without waiting for the result')
    .option('--timeout <duration>', 'how long to wait', '30s')
    .option('--delay <duration>', 'run it no earlier than after this time')
    .option('--expires <duration>', 'do not begin it later than after this time')
    .option('--key <key>', 'the key for ordered workers')
    .option('--id <id>', 'the id of the task (default: a new UUID)')
    .option('--header <name=value>', 'a header; may be given again', collect, [])
    .addHelpText('after', runHelp)
    .action(
      run(async (session, command: Command, name: string, input?: string) => {
        const flags = command.opts<RunFlags>()
        const given = input === undefined ? null : await readData(input, { stdin: session.stdin, isText: false })
        const timeoutMs = requireDuration(flags.timeout, '--timeout')
        const enqueue = {
          headers: readHeaders(flags.header),
          key: flags.key,
          id: flags.id,
          delayMs: flags.delay === undefined ? undefined : requireDuration(flags.delay, '--delay'),
          expiresAfterMs: flags.expires === undefined ? undefined : requireDuration(flags.expires, '--expires'),
        }
        await session.withQueue((queue) =>
          runTask(session, queue, { task: named(name), input: given, enqueue, timeoutMs, isWaiting: flags.wait }),
        )
      }),
    )

  withStore(parent.command('cancel <id>'))
    .description('end a task: a running one is aborted, a waiting one does not run')
    .option('--only-running', 'cancel it only if it runs now; needs no store')
    .addHelpText(
      'after',
      '\nExamples:\n  mq task cancel 7d1c6bb0 --store redis://localhost\n  mq task cancel 7d1c6bb0 --only-running',
    )
    .action(
      run(async (session, command: Command, id: string) => {
        const { onlyRunning = false } = command.opts<{ onlyRunning?: boolean }>()
        await withScheduler(session, command, async (scheduler) => {
          const isCancelled = await scheduler.cancel(id, { onlyRunning })
          if (session.options.json) await session.screen.json({ id, cancelled: isCancelled })
          else if (isCancelled)
            await session.screen.line(`${onlyRunning ? 'asked every worker to cancel' : 'cancelled'} ${safeText(id)}`)
          if (!isCancelled)
            throw new CommandFailure(
              exitCode.notFound,
              'There is nothing to cancel; `mq task result` says how it ended',
            )
        })
      }),
    )

  withStore(parent.command('result <id>'))
    .description('show how a task has ended, or how far it is')
    .addHelpText('after', '\nExamples:\n  mq task result 7d1c6bb0 --store redis://localhost --json | jq .result')
    .action(
      run(async (session, command: Command, id: string) => {
        await withScheduler(session, command, (scheduler) => showResult(session, scheduler, id))
      }),
    )
}

/** A task of another process, known by its name alone. */
const named = (name: string): Task => ({
  name,
  execute: () => {
    throw new Error('The command runs no tasks itself')
  },
})

async function withScheduler(
  session: Session,
  command: Command,
  work: (scheduler: TaskScheduler) => Promise<void>,
): Promise<void> {
  const store = await openStore(session, command.opts<{ store?: string }>().store)
  try {
    await session.withQueue(async (queue: Queue) => {
      const scheduler = createScheduler(queue, store && { store })
      try {
        await work(scheduler)
      } catch (error) {
        if (!isMqError(error, 'MQ_STORE_REQUIRED')) throw error
        throw new CommandFailure(exitCode.usage, 'It needs the store of the tasks: give --store, or set MQ_STORE_URL')
      } finally {
        await scheduler.stop({ timeoutMs: 0 })
      }
    })
  } finally {
    await store?.disconnect()
  }
}

const runHelp = `
The progress that the task reports goes to stderr, and its result to stdout. After the time, or Ctrl-C, the task goes on.

Examples:
  mq task run resize '{"image":7}'
  mq task run report --timeout 10m --json
  mq task run mail.send - --no-wait --delay 1h < mail.json`
