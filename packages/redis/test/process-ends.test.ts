import { brokers, child, proxy, shared } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newTopic } from './support/open.js'

const program = new URL('./children/stuck.ts', import.meta.url)

describe.skipIf(!brokers.wanted('redis'))('a process ends after disconnect', () => {
  it.each(['handler', 'handler with a time limit', 'ordered handler', 'ephemeral handler', 'retry'])(
    'although this is stuck: %s',
    { timeout: 60_000 },
    async (what) => {
      const running = await child(program, { args: [(await shared('redis')).url, newTopic(), what] })
      onTestFinished(() => running.kill().then(() => {}))
      const { code } = await running.exited
      expect({ code, reported: running.reported(), output: running.output() }).toEqual({
        code: 0,
        reported: ['disconnected'],
        output: '',
      })
    },
  )

  it.each(
    ['handler', 'settlement', 'publish', 'call of a store', 'subscribe'].flatMap((what) =>
      (['frozen', 'refused'] as const).map((how) => [`${what} on a broken link`, how] as const),
    ),
  )('although this is stuck: %s, which is %s', { timeout: 60_000 }, async (what, how) => {
    const link = await proxy(await shared('redis'))
    onTestFinished(() => link.close())
    const running = await child<string>(program, { args: [link.url, newTopic(), what] })
    onTestFinished(() => running.kill().then(() => {}))
    await running.waitFor((reports) => reports.includes('begun'), { what: 'the work to begin', timeoutMs: 20_000 })
    if (how === 'frozen') await link.freeze('both')
    else await link.refuse().then(() => link.cut())
    running.send('go on')
    const { code } = await running.exited
    expect({ code, reported: running.reported(), output: running.output() }).toEqual({
      code: 0,
      reported: ['begun', 'disconnected'],
      output: '',
    })
  })
})
