import { describe, expect, it } from 'vitest'
import { testClock } from '../../../memory/src/test-clock.js'
import { createPendingReply } from '../../src/tasks/ask/pending-reply.js'
import { createProgress, type ProgressStep, stepOf } from '../../src/tasks/progress.js'
import { mqErrorOf, typeErrorOf } from '../support/errors.js'
import { gate } from '../support/queues.js'

function recorded() {
  const clock = testClock()
  const sent: ProgressStep[] = []
  const progress = createProgress({ attempt: 1, clock, sends: [async (step) => void sent.push(step)] })
  return { clock, sent, progress }
}

describe('progress', () => {
  it('leaves at once, then ten times a second with the latest, and the last one before the end', async () => {
    const { clock, sent, progress } = recorded()
    for (let step = 0; step <= 50; step++) {
      progress.report(step / 100, `step ${step}`)
      await clock.advance(5)
    }
    progress.report(0.99, 'the last')
    await progress.end()
    expect(sent.length).toBeLessThanOrEqual(5)
    expect(sent[0]).toEqual({ number: 1, attempt: 1, fraction: 0, note: 'step 0' })
    expect(sent.at(-1)).toMatchObject({ fraction: 0.99, note: 'the last' })
    progress.report(1, 'too late')
    await clock.advance(1_000)
    expect(sent.at(-1)).toMatchObject({ note: 'the last' })
  })

  it('gives the last step, which then does not leave, to whoever tells it with the outcome', async () => {
    const { clock, sent, progress } = recorded()
    progress.report(0.5, undefined)
    progress.report(1, 'all')
    expect(progress.close()).toEqual({ number: 2, attempt: 1, fraction: 1, note: 'all' })
    expect(await progress.end()).toMatchObject({ number: 2 })
    await clock.advance(1_000)
    expect(sent).toHaveLength(1)
  })

  it('never sends two at a time, however slow the broker is', async () => {
    const clock = testClock()
    const slow = gate()
    let sending = 0
    let most = 0
    const send = async (): Promise<void> => {
      most = Math.max(most, ++sending)
      await slow.passed
      sending -= 1
    }
    const progress = createProgress({ attempt: 1, clock, sends: [send] })
    for (let step = 0; step < 5; step++) {
      progress.report(step / 10, undefined)
      await clock.advance(200)
    }
    slow.open()
    await progress.end()
    expect(most).toBe(1)
  })

  it('takes what sums of fractions come to, and nothing that is none', async () => {
    const { sent, progress } = recorded()
    progress.report(
      Array.from({ length: 10 }, () => 0.1).reduce((sum, one) => sum + one, 1e-10),
      undefined,
    )
    for (const bad of [-0.1, 1.1, Number.NaN, 50])
      await mqErrorOf(() => progress.report(bad, undefined), 'MQ_INVALID_OPTION')
    await typeErrorOf(() => progress.report('half', undefined))
    await typeErrorOf(() => progress.report(0.5, 5))
    await progress.end()
    expect(sent).toHaveLength(1)
    expect(sent[0]?.fraction).toBeLessThanOrEqual(1)
  })

  it('is checked, and not sent, where nobody waits', async () => {
    const progress = createProgress({ attempt: 1, clock: testClock(), sends: [] })
    progress.report(0.5, undefined)
    await mqErrorOf(() => progress.report(2, undefined), 'MQ_INVALID_OPTION')
    await progress.end()
  })
})

describe('a reader of progress', () => {
  const step = (number: number, attempt = 1): ProgressStep => ({ number, attempt, fraction: number / 10 })

  it('that is slow gets the latest, none twice, and none that came late', async () => {
    const pending = createPendingReply({ id: 'id', what: () => 'the task' })
    const steps = pending.progress()
    pending.step(step(1))
    expect((await steps.next()).value).toEqual({ attempt: 1, fraction: 0.1 })
    for (const number of [2, 4, 3]) pending.step(step(number))
    expect((await steps.next()).value).toMatchObject({ fraction: 0.4 })
    const next = steps.next()
    pending.step(step(4))
    pending.step(step(1, 2))
    expect((await next).value).toEqual({ attempt: 2, fraction: 0.1 })
    pending.step(step(9, 1))
    pending.step(step(2, 2))
    pending.complete({ status: 'cancelled', id: 'id' })
    expect((await steps.next()).value).toEqual({ attempt: 2, fraction: 0.2 })
    expect((await steps.next()).done).toBe(true)
  })

  it('ends also when the answer does not come', async () => {
    const pending = createPendingReply({ id: 'id', what: () => 'the task' })
    const next = pending.progress().next()
    pending.fail(new Error('gone') as never)
    expect((await next).done).toBe(true)
    pending.step(step(1))
    expect((await pending.progress().next()).done).toBe(true)
  })

  it('is not told what is no step', () => {
    for (const bad of [null, 1, {}, { number: 1, attempt: 1 }, { number: '1', attempt: 1, fraction: 1 }]) {
      expect(stepOf(bad)).toBeUndefined()
    }
    expect(stepOf({ ...step(1), note: 5, other: 6 })).toEqual(step(1))
  })

  it('is not told what no run of ours reports', () => {
    for (const fraction of [-1e308, -1e-9, 1.1, 1e308, Number.NaN, '0.5']) {
      expect(stepOf({ ...step(1), fraction })).toBeUndefined()
    }
    for (const count of [0, -1, 1.5, 1e308, 2 ** 53]) {
      expect(stepOf({ ...step(1), number: count })).toBeUndefined()
      expect(stepOf({ ...step(1), attempt: count })).toBeUndefined()
    }
    expect(stepOf({ ...step(1), note: 'x'.repeat(100_000) })?.note).toHaveLength(1_000)
  })
})
