import { child } from '@mq/test-brokers'
import { expect, it, onTestFinished } from 'vitest'

const program = new URL('./support/stuck.ts', import.meta.url)

it.each(['handler', 'onLastFailure', 'task', 'reply', 'retry', 'schema'])(
  'a process ends after disconnect, although this is stuck: %s',
  { timeout: 60_000 },
  async (what) => {
    const running = await child(program, { args: [what] })
    onTestFinished(() => running.kill().then(() => {}))
    const { code } = await running.exited
    expect({ code, reported: running.reported(), output: running.output() }).toEqual({
      code: 0,
      reported: ['disconnected'],
      output: '',
    })
  },
)
