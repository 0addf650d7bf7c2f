import type { Channel } from 'amqplib'
import { describe, expect, it } from 'vitest'
import { cancelConsumer } from '../src/connection/cancel.js'

const cancelOk = (60 << 16) | 31

/** A channel like the driver's: `accept` gets the broker's answers, and a second one would end the connection. */
function fakeChannel() {
  const accepted: unknown[] = []
  const channel = {
    accept: (frame: unknown) => void accepted.push(frame),
    async cancel(consumerTag: string) {
      channel.accept({ id: cancelOk, fields: { consumerTag } })
      channel.accept({ id: cancelOk, fields: { consumerTag } })
    },
  }
  return { accepted, channel: channel as unknown as Channel }
}

describe('a cancelled consumer', () => {
  it('that the broker confirms twice, as its queue was deleted at that moment, is confirmed once to the driver', async () => {
    const { accepted, channel } = fakeChannel()
    for (const tag of ['one', 'two']) await cancelConsumer(channel, tag)
    expect(accepted).toEqual(['one', 'two'].map((consumerTag) => ({ id: cancelOk, fields: { consumerTag } })))
  })

  it('leaves one filter on a channel, however many consumers that channel has had', async () => {
    const { channel } = fakeChannel()
    const acceptOf = (): unknown => (channel as unknown as { readonly accept: unknown }).accept
    await cancelConsumer(channel, 'one')
    const filter = acceptOf()
    for (const tag of ['two', 'three']) await cancelConsumer(channel, tag)
    expect(acceptOf()).toBe(filter)
  })

  it('lets other answers through', async () => {
    const { accepted, channel } = fakeChannel()
    await cancelConsumer(channel, 'one')
    const other = { id: (60 << 16) | 21, fields: { consumerTag: 'one' } }
    ;(channel as unknown as { accept(frame: unknown): void }).accept(other)
    expect(accepted).toEqual([{ id: cancelOk, fields: { consumerTag: 'one' } }, other])
  })
})
