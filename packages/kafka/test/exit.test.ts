import { brokers, child, shared } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newTopic } from './support/open.js'

describe.skipIf(!brokers.wanted('kafka'))('a process', () => {
  it('ends after a disconnect, whatever its handlers do', { timeout: 60_000 }, async () => {
    const { url } = await shared('kafka')
    const stuck = await child(new URL('./children/stuck.ts', import.meta.url), { args: [url, newTopic()] })
    onTestFinished(async () => void (await stuck.kill()))
    await stuck.waitFor((reports) => reports.includes('disconnected'), { what: 'the disconnect', timeoutMs: 40_000 })
    // A timer of a delay, a pause or a connection would keep it alive if it outlived what it guards.
    expect(await stuck.exited).toMatchObject({ code: 0 })
  })
})
