import type { Command } from 'commander'
import { collect } from '../input/collect.js'
import { readData, readHeaders } from '../input/data.js'
import { requireDuration } from '../input/duration.js'
import { safeText } from '../output/escape.js'
import type { Register } from './register.js'

interface Options {
  readonly header: readonly string[]
  readonly delay?: string
  readonly key?: string
  readonly id?: string
  readonly text?: boolean
}

export const publish: Register = (program, run) => {
  program
    .command('publish <topic> <data>')
    .description('publish a message; "-" reads its data from stdin')
    .option('--text', 'take the data as text instead of JSON')
    .option('--key <key>', 'messages of one key keep their order')
    .option('--id <id>', 'the id of the message (default: a new UUID)')
    .option('--header <name=value>', 'a header; may be given again', collect, [])
    .option('--delay <duration>', 'deliver it no earlier than after this time')
    .addHelpText('after', examples)
    .action(
      run(async (session, command: Command, topic: string, data: string) => {
        const { header, delay, key, id, text = false } = command.opts<Options>()
        const { screen, options, stdin } = session
        const headers = readHeaders(header)
        const delayMs = delay === undefined ? undefined : requireDuration(delay, '--delay')
        const value = await readData(data, { stdin, isText: text })
        const stored = await session.withQueue((queue) =>
          queue.publish(topic, value, { headers, key, id, ...(delayMs !== undefined && { delayMs }) }),
        )
        if (options.json) await screen.json(stored)
        else await screen.line(safeText(stored.id))
        if (stored.routed === 'no') screen.note('mq: no group takes messages of this topic, so this one is gone')
      }),
    )
}

const examples = `
It prints the id of the message. JSON also says whether a group gets it: "yes", "no" or "unknown".

Examples:
  mq publish user.created '{"id":7}'
  mq publish user.created - < user.json
  mq publish mail '{"to":"ada@example.com"}' --delay 10m --key ada --header tenant=acme
  mq publish note 'not JSON' --text`
