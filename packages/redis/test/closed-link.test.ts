import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CommandError } from '../src/connection/errors.js'
import type { Link } from '../src/connection/link.js'
import { Runs } from '../src/consume/runs.js'
import { createSettler } from '../src/consume/settler.js'
import { settingsOf } from '../src/options.js'
import { createOutbox } from '../src/publish/outbox.js'
import { type Call, notSentError } from '../src/publish/outgoing.js'
import { decodeEntry } from '../src/wire/entry.js'
import { packMessage } from '../src/wire/fields.js'
import { placeOf } from '../src/wire/keys.js'

/** Closed, as after a disconnect. It hangs where it was asked too often: a loop without a pause would stop this process. */
function closedLink() {
  let asked = 0
  const refuse = async (): Promise<never> => {
    throw new CommandError('unsent', new Error('Not connected'))
  }
  const link: Link = {
    open: async () => {},
    isUp: false,
    isClosed: true,
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

describe('what comes in once the link is closed', () => {
  it('is not given back again and again', async () => {
    const { link, asked } = closedLink()
    const runs = new Runs(1)
    const settler = createSettler({
      place: placeOf('mq', { topic: 't', group: 'g' }),
      name: 'c',
      link,
      runs,
      ordered: false,
      onError: () => {},
      onGone: () => {},
      onSettled: () => {},
    })
    const entry = decodeEntry({ id: '1-1', fields: [] }, 't')
    const run = runs.begin({ kind: 'm', id: '1-1', entry, deliveries: 1, claimedAt: 0 })
    settler.settle(run, { kind: 'release' })
    await sleep(20)
    expect(asked()).toBeLessThan(2)
    expect(runs.size).toBe(0)
  })

  it('is not published again and again', async () => {
    const { link, asked } = closedLink()
    const outbox = createOutbox({ topic: 't', settings: settingsOf({}), link, onEmpty: () => {} })
    const signal = new AbortController().signal
    const call: Call = {
      outcomes: [undefined],
      resolve: () => {},
      asked: { timeoutMs: 1_000, signal },
      deadline: 0,
      sweeps: 0,
      open: 1,
    }
    const { message } = decodeEntry({ id: '1-1', fields: [] }, 't')
    const packed = packMessage(message, 0)
    outbox.add({ call, index: 0, number: 0, key: undefined, isDelayed: false, ...packed, doubtful: false })
    await sleep(20)
    expect(asked()).toBeLessThan(2)
    outbox.expire(performance.now(), notSentError)
    expect(call.outcomes).toEqual([expect.objectContaining({ status: 'rejected' })])
  })
})
