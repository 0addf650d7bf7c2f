import { defineEvent, isRetryLater, RetryLater, Unrecoverable } from '@mq/core'
import { OnMessage } from '@mq/nestjs'
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  type INestApplication,
  Injectable,
  NotFoundException,
  UseFilters,
} from '@nestjs/common'
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core'
import { of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { started } from './support/applications.js'

class CardDeclined extends Error {
  override readonly name = 'CardDeclined'
}
class Timeout extends Error {
  override readonly name = 'Timeout'
}

const charge = defineEvent<{ card: string }>('charge')
const retry = {
  attempts: 3,
  backoff: 'fixed',
  delayMs: 1_000,
  jitter: 'none',
  rules: [{ match: CardDeclined, retry: false }],
} as const

/** What a catch-all filter for HTTP does, and what becomes of it without a response. */
@Catch()
class ForHttp implements ExceptionFilter {
  readonly caught: unknown[] = []
  catch(error: unknown, host: ArgumentsHost) {
    this.caught.push(error)
    host.switchToHttp().getResponse().status(500).json({ message: 'Internal server error' })
  }
}

@Catch()
class Swallowing implements ExceptionFilter {
  catch() {
    return of('all is well')
  }
}

@Catch()
class Replacing implements ExceptionFilter {
  catch(): never {
    throw new Error('Internal server error')
  }
}

/** Runs the method once with each error, until nothing waits. Resolves to the dead letters by their data, and to the times of the runs. */
async function outcomes(
  filters: readonly (ExceptionFilter | (new () => ExceptionFilter))[],
  global?: new (...args: never[]) => ExceptionFilter,
) {
  const runs: Record<string, number[]> = {}
  @Injectable()
  class Cards {
    @OnMessage(charge, { retry })
    @UseFilters(...filters)
    charge({ card }: { card: string }) {
      const times = runs[card] ?? []
      runs[card] = times
      times.push(bench.clock.now())
      if (card === 'lost') throw new Unrecoverable('there is no such card')
      if (card === 'busy' && times.length === 1) throw new RetryLater({ afterMs: 60_000 })
      if (card === 'declined') throw new CardDeclined('declined')
      if (card === 'missing') throw new NotFoundException('no account')
      if (card === 'slow') throw new Timeout('too late')
    }
  }
  const { bench, queue } = await started([Cards], {
    ...(global !== undefined && { mq: { inheritAppConfig: true } }),
    before(app) {
      if (global === undefined) return
      const { httpAdapter } = app.get(HttpAdapterHost)
      ;(app as INestApplication).useGlobalFilters(new global(...([httpAdapter] as never[])))
    },
  })
  await queue.publishAll(
    charge,
    ['fine', 'lost', 'busy', 'declined', 'missing', 'slow'].map((card) => ({ card })),
  )
  await bench.settled()
  const letters = await queue.deadLetters(charge).list()
  const dead = letters.map(
    ({ data, failure }) =>
      `${(data as { card: string }).card}: ${failure.reason}, ${failure.error.name}, ${failure.attempts}`,
  )
  const [first = 0, second = 0] = runs.busy ?? []
  return {
    dead: dead.toSorted(),
    busyAfterMs: second - first,
    runs: Object.fromEntries(Object.entries(runs).map(([card, times]) => [card, times.length])),
  }
}

const byTheRules = {
  dead: [
    'declined: error, CardDeclined, 1',
    'lost: unrecoverable, Unrecoverable, 1',
    'missing: error, NotFoundException, 3',
    'slow: error, Timeout, 3',
  ],
  busyAfterMs: 60_000,
  runs: { fine: 1, lost: 1, busy: 2, declined: 1, missing: 3, slow: 3 },
}

describe('Unrecoverable, RetryLater and retry rules count', () => {
  it('without a filter', async () => {
    expect(await outcomes([])).toEqual(byTheRules)
  })

  it('with a filter that was written for HTTP and fails without a response', async () => {
    const filter = new ForHttp()
    expect(await outcomes([filter])).toEqual(byTheRules)
    expect(filter.caught).toHaveLength(9)
    expect(filter.caught.filter(isRetryLater)).toHaveLength(1)
  })

  it('with a filter that returns, as one that answers a request does', async () => {
    expect(await outcomes([Swallowing])).toEqual(byTheRules)
  })

  it('with a filter that throws another error', async () => {
    expect(await outcomes([Replacing])).toEqual(byTheRules)
  })

  it("with Nest's own filter for the whole application", async () => {
    expect(await outcomes([], BaseExceptionFilter)).toEqual(byTheRules)
  })

  it('with a filter of the whole application that fails without a response', async () => {
    let caught = 0
    @Catch()
    class Counting extends ForHttp {
      override catch(error: unknown, host: ArgumentsHost) {
        caught += 1
        super.catch(error, host)
      }
    }
    expect(await outcomes([], Counting)).toEqual(byTheRules)
    expect(caught).toBe(9)
  })
})

describe('a filter', () => {
  it('can turn an error into Unrecoverable or RetryLater, unless the error is one already', async () => {
    @Catch(NotFoundException)
    class GiveUp implements ExceptionFilter {
      catch(error: NotFoundException): never {
        throw new Unrecoverable('there is no account', { cause: error })
      }
    }
    @Catch(Timeout, Unrecoverable)
    class Patient implements ExceptionFilter {
      catch(error: Error): never {
        throw new RetryLater({ afterMs: 1_000, cause: error })
      }
    }
    expect(await outcomes([GiveUp, Patient])).toEqual({
      ...byTheRules,
      dead: byTheRules.dead.map((line) =>
        line
          .replace('missing: error, NotFoundException, 3', 'missing: unrecoverable, Unrecoverable, 1')
          .replace('slow: error, Timeout', 'slow: error, RetryLater'),
      ),
      runs: { ...byTheRules.runs, missing: 1 },
    })
  })
})
