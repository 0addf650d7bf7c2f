import type { Message } from '@mq/core'
import type { Command } from 'commander'
import { requireCount } from '../input/duration.js'
import { safeText } from '../output/escape.js'
import { messageJson, shownData } from '../output/message.js'
import { shownTime } from '../output/show.js'
import type { Session } from '../session.js'
import type { Register } from './register.js'

const maxDataLength = 200

export const tail: Register = (program, run) => {
  program
    .command('tail <topic>')
    .description('show messages of a topic as they are published, until Ctrl-C')
    .option('--limit <count>', 'end after so many messages')
    .addHelpText('after', examples)
    .action(
      run(async (session, command: Command, topic: string) => {
        const { limit } = command.opts<{ limit?: string }>()
        await tailTopic(session, topic, limit === undefined ? Number.POSITIVE_INFINITY : requireCount(limit, '--limit'))
      }),
    )
}

const examples = `
No group loses a message to it: it has a temporary group of its own, which begins now and ends with the command.

Examples:
  mq tail mail
  mq tail mail --limit 1 --json | jq .data`

async function tailTopic(session: Session, topic: string, limit: number): Promise<void> {
  const { screen, options, signal } = session
  await session.withQueue(
    async (queue) => {
      let left = limit
      const ended = new AbortController()
      const end = (): void => ended.abort()
      signal.addEventListener('abort', end)
      session.stdout.once('close', end)
      session.stdout.once('error', end)
      const show = async (message: Message): Promise<void> => {
        // More may be on their way while the subscription stops.
        if (left <= 0 || ended.signal.aborted) return
        left -= 1
        await (options.json ? screen.json(messageJson(message)) : screen.line(messageLine(message)))
        if (left <= 0) end()
      }
      const subscription = await queue.subscribe(topic, show, { ephemeral: true, concurrency: 1 })
      screen.note(`mq: showing what is published to ${safeText(topic)} from now on; Ctrl-C ends it`)
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        ended.signal.addEventListener('abort', () => resolve())
      })
      await subscription.stop({ timeoutMs: 0 })
    },
    { isWatching: true },
  )
}

function messageLine({ time, id, key, data, tombstone }: Message): string {
  const shownKey = key === undefined ? '' : `  key=${safeText(key)}`
  return `${shownTime(time)}  ${safeText(id)}${shownKey}  ${tombstone ? '(tombstone)' : shownData(data, maxDataLength)}`
}
