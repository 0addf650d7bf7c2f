import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CommandError } from '../src/connection/errors.js'
import type { Link } from '../src/connection/link.js'
import { Runs } from '../src/consume/runs.js'
import { createSettler } from '../src/consume/settler.js'
import { settingsOf } from '../src/options.js'
import { createPublisher } from '../src/publish/publisher.js'
import { decodeEntry } from '../src/wire/entry.js'
import { placeOf } from '../src/wire/keys.js'

/** A link that is closed, as after a disconnect. If it is asked too often it hangs, because a loop without a pause would block this process. */
function closedLink() {
  let asked = 0
  const refuse = async (): Promise<never> => {
    throw new CommandError('unsent', new Error('Not connected'))
  }
  const link: Link = {
    open: async () => {},
    isUp: false,
    isClosed: true,
    isCluster: false,
    generation: 1,
    whenUp: () => {
      asked += 1
      return asked < 1_000 ? Promise.resolve() : new Promise(() => {})
    },
    send: refuse,
    run: refuse,
    close: () => {},
  }
  return { link, asked: () => asked }
}

describe('after the link was closed', () => {
  it('a message is not given back in an endless loop', async () => {
    const { link, asked } = closedLink()
    const runs = new Runs(1)
    const settler = createSettler({
      place: placeOf('mq', { topic: 't', group: 'g' }),
      name: 'c',
      link,
      runs,
      ordered: false,
      onError: () => {},
      onLoss: () => {},
      intake: { takeWithin: () => {} },
      topic: { hasSettled: false },
    })
    const entry = decodeEntry({ id: '1-1', fields: [] }, 't')
    const run = runs.begin({ kind: 'm', id: '1-1', entry, lane: '', deliveries: 1, claimedAt: 0 })
    settler.settle(run, { kind: 'release' })
    await sleep(20)
    expect(asked()).toBeLessThan(2)
    expect(runs.size).toBe(0)
  })

  it('a message is not published in an endless loop', async () => {
    const { link, asked } = closedLink()
    const publisher = createPublisher(settingsOf({}), link)
    const { message } = decodeEntry({ id: '1-1', fields: [] }, 't')
    const outcomes = publisher.publish('t', [message], { timeoutMs: 1_000, signal: new AbortController().signal })
    await sleep(20)
    expect(asked()).toBeLessThan(2)
    await publisher.close(0)
    expect(await outcomes).toEqual([expect.objectContaining({ status: 'rejected' })])
  })
})
