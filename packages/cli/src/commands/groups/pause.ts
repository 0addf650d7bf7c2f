import { hostname } from 'node:os'
import type { Command } from 'commander'
import { groupOf } from '../../input/group.js'
import { safeText } from '../../output/escape.js'
import { pauseJson, shownPause } from '../../output/pause.js'
import type { Session } from '../../session.js'
import type { Register } from '../register.js'
import { requireGroupThere } from '../stats.js'

export const pause: Register = (program, run) => {
  program
    .command('pause <topic> [group]')
    .description('let a group start nothing, in all its processes, until it is resumed')
    .option('--by <text>', 'who pauses it and why, for everybody who looks (default: user@host)')
    .addHelpText('after', pauseHelp)
    .action(
      run(async (session, command: Command, topic: string, given?: string) => {
        const { by = whoAsks(session) } = command.opts<{ by?: string }>()
        await pauseGroup(session, { topic, group: groupOf(session, topic, given), by })
      }),
    )

  program
    .command('resume <topic> [group]')
    .description('let a paused group go on')
    .addHelpText('after', resumeHelp)
    .action(
      run(async (session, _: Command, topic: string, given?: string) => {
        await resumeGroup(session, { topic, group: groupOf(session, topic, given) })
      }),
    )
}

/** Undefined if the environment does not say who it is; then the queue names the host and the process. */
const whoAsks = ({ env }: Session): string | undefined => {
  const user = env.USER || env.LOGNAME || env.USERNAME
  return user ? `${user}@${hostname()}`.slice(0, 200) : undefined
}

interface Named {
  readonly topic: string
  readonly group: string
}

async function pauseGroup(session: Session, { topic, group, by }: Named & { by: string | undefined }): Promise<void> {
  const { screen, options } = session
  await session.withQueue(async (queue) => {
    const before = (await queue.stats(topic, group)).paused
    await queue.pauseGroup(topic, group, { by })
    const { paused } = await queue.stats(topic, group)
    if (options.json) await screen.json({ topic, group, paused: pauseJson(paused), wasPaused: before !== undefined })
    else if (before === undefined) await screen.line(`paused ${safeText(topic)}/${safeText(group)}`)
    else await screen.line(`${safeText(topic)}/${safeText(group)} was paused already, ${shownPause(paused)}`)
  })
}

async function resumeGroup(session: Session, { topic, group }: Named): Promise<void> {
  const { screen, options } = session
  await session.withQueue(async (queue) => {
    const before = await queue.stats(topic, group)
    requireGroupThere(before, { topic, group })
    await queue.resumeGroup(topic, group)
    const wasPaused = before.paused !== undefined
    if (options.json) await screen.json({ topic, group, wasPaused })
    else if (wasPaused) await screen.line(`resumed ${safeText(topic)}/${safeText(group)}`)
    else await screen.line(`${safeText(topic)}/${safeText(group)} was not paused`)
  })
}

const pauseHelp = `
Every process obeys within 5 seconds. Handlers that run end as usual, and messages wait. The pause outlives all processes.
A group that is paused already keeps its first pause.

Examples:
  mq pause mail mailer --by 'Ada: the provider is down'
  mq pause task.resize              the workers of a task
  mq stats mail mailer              shows since when, and by whom`

const resumeHelp = `
Examples:
  mq resume mail mailer`
