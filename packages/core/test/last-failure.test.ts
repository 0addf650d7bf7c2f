import { describe, expect, it } from 'vitest'
import { type FailedMessage, MqError, Unrecoverable } from '../src/index.js'
import { deliver, handleOf, json } from './support/deliveries.js'
import { typeErrorOf } from './support/errors.js'
import { connected, gate } from './support/queues.js'

const fail = (): never => {
  throw new Error('no')
}

async function hooked(options: { readonly handler?: () => unknown; readonly onLastFailure?: () => unknown } = {}) {
  const opened = await connected({}, { operationTimeoutMs: 50 })
  const seen: FailedMessage[] = []
  const handle = await handleOf(opened, options.handler ?? fail, {
    retry: { attempts: 2 },
    onLastFailure(failed) {
      seen.push(failed)
      return options.onLastFailure?.()
    },
  })
  return { ...opened, handle, seen }
}

describe('onLastFailure', () => {
  it('hears of the last attempt alone, with the data and the failure', async () => {
    const { handle, seen } = await hooked()
    expect(await deliver(handle).settlement).toMatchObject({ kind: 'retry' })
    expect(seen).toEqual([])
    expect(await deliver(handle, { attempt: 2 }).settlement).toMatchObject({ kind: 'dead' })
    expect(seen).toMatchObject([
      { id: 'm-1', topic: 'user.created', data: { userId: '42' }, failure: { attempts: 2, error: { message: 'no' } } },
    ])
  })

  it('hears of what no handler saw', async () => {
    const { handle, seen } = await hooked()
    await deliver(handle, { message: { body: Buffer.from('{') } }).settlement
    await deliver(handle, { decodeError: new MqError('MQ_UNDECODABLE', 'odd') }).settlement
    await deliver(handle, { attempt: 3, message: { body: json(1) } }).settlement
    expect(seen.map(({ data, failure }) => [data, failure.reason])).toEqual([
      [undefined, 'undecodable'],
      [undefined, 'undecodable'],
      [1, 'crashed'],
    ])
  })

  it('changes nothing by what it throws, nor by never ending', async () => {
    const handler = (): never => {
      throw new Unrecoverable('no')
    }
    const throwing = await hooked({ handler, onLastFailure: fail })
    expect(await deliver(throwing.handle).settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'unrecoverable' },
    })
    const stuck = await hooked({ handler, onLastFailure: () => gate().passed })
    expect(await deliver(stuck.handle).settlement).toMatchObject({ kind: 'dead', failure: { reason: 'unrecoverable' } })
    for (const { log } of [throwing, stuck])
      expect(log.lines[0]).toMatchObject({ level: 'error', message: 'onLastFailure failed' })
  })

  it('hears nothing of a message that is no longer ours', async () => {
    const holding = gate()
    const { handle, seen } = await hooked({ handler: () => holding.passed })
    const delivered = deliver(handle, { attempt: 2 })
    delivered.abort(new Error('lost'))
    holding.fail(new Error('no'))
    expect(await delivered.settlement).toEqual({ kind: 'release' })
    expect(seen).toEqual([])
  })

  it('is a function', async () => {
    const opened = await connected()
    await typeErrorOf(() => opened.queue.subscribe('t', fail, { group: 'g', onLastFailure: 5 as never }))
  })
})
