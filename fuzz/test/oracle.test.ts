import { MqError } from '@mq/core'
import {
  type Adapter,
  type AdapterEvent,
  type Delivery,
  type Handle,
  type Settlement,
  unknownFailure,
} from '@mq/core/adapter'
import { describe, expect, it } from 'vitest'
import { isCanaryId } from '../src/canary.js'
import { openMemory } from '../src/open.js'
import { checkAlways } from '../src/oracle/checks.js'
import { Ledger } from '../src/oracle/ledger.js'
import { checkReplay, chosenFor } from '../src/oracle/replays.js'
import { fuzz } from '../src/run.js'
import type { Letter } from '../src/subject/sight.js'

/** The report of one round of plain JSON on a memory adapter that was broken on purpose. */
async function reportOn(wrap: (adapter: Adapter) => Adapter): Promise<string> {
  const { enemy, begin } = openMemory(wrap)
  const { failures } = await fuzz({
    enemy: { ...enemy, patienceMs: 1_000 },
    begin,
    seed: 1,
    rounds: 1,
    forMs: 60_000,
    isWanted: (name) => name === 'memory/json',
    without: () => ['text'],
    shrinkMs: 1,
    stopAtFirst: true,
    print: () => undefined,
  })
  return failures.map(({ error }) => error).join('\n')
}

const handling =
  (change: (delivery: Delivery, handle: Handle) => Promise<Settlement>) =>
  (adapter: Adapter): Adapter => ({
    ...adapter,
    consume: (ref, options, handle) => adapter.consume(ref, options, (delivery) => change(delivery, handle)),
  })

const done: Settlement = { kind: 'done' }

describe('the oracle', () => {
  it('is content with an adapter that is well', async () => {
    expect(await reportOn((adapter) => adapter)).toBe('')
  })

  it('notices a canary that is dropped', async () => {
    let dropped = 0
    const drop = handling(async (delivery, handle) =>
      isCanaryId(delivery.message.id) && dropped++ === 5 ? done : await handle(delivery),
    )
    expect(await reportOn(drop)).toContain('[canary lost]')
  })

  it('notices attempts that something else costs a canary', async () => {
    const raise = handling((delivery, handle) =>
      handle({
        message: delivery.message,
        signal: delivery.signal,
        attempt: isCanaryId(delivery.message.id) ? delivery.attempt + 1 : delivery.attempt,
      }),
    )
    expect(await reportOn(raise)).toContain('[canary attempts]')
  })

  it('notices a canary among the dead letters', async () => {
    const kill = handling(async (delivery, handle) => {
      const settlement = await handle(delivery)
      if (!isCanaryId(delivery.message.id) || settlement.kind !== 'retry') return settlement
      return { kind: 'dead', failure: settlement.failure }
    })
    expect(await reportOn(kill)).toContain('[canary dead]')
  })

  it('notices a dead letter that is lost', async () => {
    const lose = handling(async (delivery, handle) => {
      const settlement = await handle(delivery)
      return settlement.kind === 'dead' && !isCanaryId(delivery.message.id) ? done : settlement
    })
    expect(await reportOn(lose)).toContain('[entry lost]')
  })

  it('notices dead letters that cannot be listed', async () => {
    const refuse = (adapter: Adapter): Adapter => ({
      ...adapter,
      deadLetters: (ref) => ({
        ...adapter.deadLetters(ref),
        list: () => Promise.reject(new MqError('MQ_OPERATION_FAILED', 'no')),
      }),
    })
    expect(await reportOn(refuse)).toContain('[list]')
  })

  it('notices a replay that does nothing', async () => {
    const idle = (adapter: Adapter): Adapter => ({
      ...adapter,
      deadLetters: (ref) => ({ ...adapter.deadLetters(ref), replay: async (ids) => ids?.length ?? 0 }),
    })
    expect(await reportOn(idle)).toContain('[replay]')
  })

  const stub: Letter = {
    topic: 't',
    id: 'large',
    idBytes: 5,
    entryId: '1',
    marks: [],
    attempt: 1,
    failure: unknownFailure(0),
    wholeAt: 't/0/7',
  }

  it.each([
    ['notices the beginning of a message that is replayed', async () => 1],
    ['notices a refusal that does not say where the message is', () => Promise.reject(new Error('no'))],
  ])('%s', async (_, replay) => {
    const chosen = { doomed: [], whole: [], stubs: [stub] }
    await expect(checkReplay(chosen, replay)).rejects.toThrow('[replay]')
  })

  it('takes the refusal of a beginning with the place of its message, and replays what is whole', async () => {
    const whole: Letter = { ...stub, entryId: '2', wholeAt: undefined }
    const replayed: string[] = []
    const replay = async (ids: readonly string[]): Promise<number> => {
      if (ids.includes(stub.entryId)) throw new Error('the message is at t/0/7')
      replayed.push(...ids)
      return ids.length
    }
    await checkReplay(
      chosenFor([stub, whole], () => true),
      replay,
    )
    expect(replayed).toEqual(['2'])
    await expect(checkReplay({ doomed: [], whole: [whole], stubs: [] }, async () => 0)).rejects.toThrow('[replay]')
  })

  it('notices a purge that leaves something', async () => {
    const idle = (adapter: Adapter): Adapter => ({
      ...adapter,
      deadLetters: (ref) => ({ ...adapter.deadLetters(ref), purge: async () => 0 }),
    })
    expect(await reportOn(idle)).toContain('[purge]')
  })

  it('notices a loop that reports an error each time', async () => {
    const loop = (adapter: Adapter): Adapter => ({
      ...adapter,
      on(listener: (event: AdapterEvent) => void) {
        const error = new MqError('MQ_OPERATION_FAILED', 'again')
        const timer = setInterval(() => {
          for (let count = 0; count < 20; count++) listener({ type: 'error', error })
        }, 1)
        const off = adapter.on(listener)
        return () => {
          clearInterval(timer)
          off()
        }
      },
      async disconnect(options) {
        await adapter.disconnect(options)
      },
    })
    expect(await reportOn(loop)).toContain('[hot loop]')
  })

  it('notices a consumer that health() does not call well', async () => {
    const ill = (adapter: Adapter): Adapter => ({ ...adapter, health: () => ({ status: 'degraded', consumers: [] }) })
    expect(await reportOn(ill)).toContain('[health]')
  })
})

describe('what may never be', () => {
  const limits = { secrets: ['hunter2'], maxBytes: 1_000, without: [] }
  const ledgerWith = (change: (ledger: Ledger) => void): Ledger => {
    const ledger = new Ledger()
    change(ledger)
    return ledger
  }

  it.each([
    ['an error that nobody took', '[uncaught]', (ledger: Ledger) => ledger.uncaught.push('unhandledRejection: no')],
    ['a text with a password', '[secret]', (ledger: Ledger) => ledger.texts.push('redis://:hunter2@localhost')],
    ['a password in what an error holds', '[secret]', (ledger: Ledger) => ledger.leaks.push("password: 'hunter2'")],
    ['a text with an escape code', '[text]', (ledger: Ledger) => ledger.texts.push('\u001b[31mred')],
    ['a text with a line of its own', '[text]', (ledger: Ledger) => ledger.texts.push('x\nforged line')],
    ['too much memory', '[memory]', (ledger: Ledger) => Object.assign(ledger, { peakBytes: 1_001 })],
    [
      'an id that is too long',
      '[id]',
      (ledger: Ledger) => ledger.sightings.push({ topic: 't', id: 'x', idBytes: 256, marks: [], attempt: 1 }),
    ],
  ])('%s', (_, oracle, change) => {
    expect(() => checkAlways(ledgerWith(change), limits)).toThrow(oracle)
  })

  it('is not what an ordinary round shows', () => {
    expect(() =>
      checkAlways(
        ledgerWith((ledger) => ledger.texts.push('fine')),
        limits,
      ),
    ).not.toThrow()
  })
})
