import { brokers, child, proxy, shared } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newTopic } from './support/open.js'

describe.skipIf(!brokers.wanted('kafka'))('a process', () => {
  it('ends after a disconnect, whatever its handlers do', { timeout: 60_000 }, async () => {
    const { url } = await shared('kafka')
    const stuck = await child(new URL('./children/stuck.ts', import.meta.url), { args: [url, newTopic()] })
    onTestFinished(async () => void (await stuck.kill()))
    await stuck.waitFor((reports) => reports.includes('disconnected'), { what: 'the disconnect', timeoutMs: 40_000 })
    // A timer of a handler, a delay or a connection would keep it alive if it outlived what it guards.
    expect(await stuck.exited).toMatchObject({ code: 0 })
  })

  it('ends after a disconnect over a link that answers nothing', { timeout: 60_000 }, async () => {
    const link = await proxy(await shared('kafka'))
    onTestFinished(() => link.close())
    const waiting = await child(new URL('./children/frozen.ts', import.meta.url), { args: [link.url, newTopic()] })
    onTestFinished(async () => void (await waiting.kill()))
    await waiting.waitFor((reports) => reports.includes('ready'), { what: 'it to be ready', timeoutMs: 40_000 })
    await link.freeze('both')
    waiting.send('frozen')
    await waiting.waitFor((reports) => reports.includes('disconnected'), { what: 'the disconnect', timeoutMs: 20_000 })
    expect(await waiting.exited).toMatchObject({ code: 0 })
  })
})
