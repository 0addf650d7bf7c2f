import { brokers, child, shared } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshTopic } from './support/open.js'

describe.skipIf(!brokers.wanted('rabbitmq'))('a process', () => {
  it('ends after a disconnect, whatever its handlers do', { timeout: 60_000 }, async () => {
    const { url } = await shared('rabbitmq')
    const stuck = await child(new URL('./children/stuck.ts', import.meta.url), { args: [url, freshTopic()] })
    onTestFinished(async () => void (await stuck.kill()))
    await stuck.waitFor((reports) => reports.length === 1, { what: 'the disconnect', timeoutMs: 40_000 })
    // A timer of a handler, a delay or a connection would keep it alive if it outlived what it guards.
    expect(await stuck.exited).toMatchObject({ code: 0 })
  })
})
