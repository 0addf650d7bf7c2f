import type { Command } from 'commander'
import { partOf, readPages, withPages } from '../input/pages.js'
import { safeText } from '../output/escape.js'
import { noteMore } from '../output/more.js'
import type { Register } from './register.js'

export const topics: Register = (program, run) => {
  withPages(program.command('topics'))
    .description('list the topics at the broker')
    .addHelpText('after', examples)
    .action(
      run(async (session, command: Command) => {
        const part = partOf(command)
        const { screen, options, signal } = session
        await session.withQueue(async (queue) => {
          const { items, next } = await readPages((page) => queue.topics(page), part, signal)
          if (options.json) await screen.json({ topics: items.map(({ topic }) => topic), next: next ?? null })
          else if (items.length > 0) {
            await screen.table({ head: ['topic'], rows: items.map(({ topic }) => [safeText(topic)]) })
          } else screen.note('mq: there are no topics')
          if (!options.json) noteMore(screen, next)
        })
      }),
    )
}

const examples = `
RabbitMQ lists topics and groups by its management API alone: MQ_MANAGEMENT_URL=http://localhost:15672.

Examples:
  mq topics
  mq topics --limit 5000 | grep mail
  mq topics --json | jq -r '.topics[]'`
