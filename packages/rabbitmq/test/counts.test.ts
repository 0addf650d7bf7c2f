import type { Channel } from 'amqplib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { countsOf } from '../src/connection/counts.js'

const empty = { messageCount: 0, consumerCount: 0 }

/** A channel whose answers take the given times. */
function channelWith(answers: readonly (readonly [ms: number, messageCount: number])[], exchangeMs = 1) {
  const asked: string[] = []
  const after = async <T>(ms: number, answer: T): Promise<T> => {
    vi.advanceTimersByTime(ms)
    return answer
  }
  const channel = {
    checkQueue(queue: string) {
      const [ms, messageCount] = answers[Math.min(asked.length, answers.length - 1)] ?? [0, 0]
      asked.push(queue)
      return after(ms, { queue, messageCount, consumerCount: 0 })
    },
    checkExchange: () => after(exchangeMs, {}),
  } as unknown as Channel
  return { asked, channel }
}

describe('the counts of a queue', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const counted = async (channel: Channel): Promise<unknown> => {
    const counting = countsOf(channel, 'q').catch((error) => error)
    await vi.advanceTimersByTimeAsync(10_000)
    return counting
  }

  it('are taken at once if the answer is quick, or has a message', async () => {
    for (const answer of [
      [3, 0],
      [900, 2],
    ] as const) {
      const { asked, channel } = channelWith([answer])
      expect(await counted(channel)).toMatchObject({ ...empty, messageCount: answer[1] })
      expect(asked).toEqual(['q'])
    }
  })

  it('are asked for again while an empty queue took as long as the broker waits for it', async () => {
    const { asked, channel } = channelWith([
      [251, 0],
      [260, 0],
      [4, 7],
    ])
    expect(await counted(channel)).toMatchObject({ messageCount: 7 })
    expect(asked).toHaveLength(3)
  })

  it('are believed over a slow link if they are the same three times', async () => {
    const { asked, channel } = channelWith([[300, 0]], 290)
    expect(await counted(channel)).toMatchObject(empty)
    expect(asked).toHaveLength(3)
  })

  it('are an error if the queue stays silent', async () => {
    const { channel } = channelWith([[300, 0]])
    expect(await counted(channel)).toMatchObject({ code: 'MQ_TIMEOUT' })
  })
})
