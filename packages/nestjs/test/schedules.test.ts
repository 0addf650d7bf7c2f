import type { TaskContext } from '@mq/core'
import { memory } from '@mq/memory'
import { declareTask, getSchedulerToken, MqModule, OnMessage, OnTask, Scheduled } from '@mq/nestjs'
import { Inject, Injectable, Module, Scope } from '@nestjs/common'
import { REQUEST } from '@nestjs/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { compiled, errorOf, onMemory, quiet, started } from './support/applications.js'

const hourMs = 3_600_000
const cleanUp = declareTask<null>({ name: 'clean-up', retry: { attempts: 2, delayMs: 1_000 } })
const report = declareTask({ name: 'report', input: z.object({ day: z.string(), pages: z.coerce.number() }) })

describe('a method with @Scheduled', () => {
  it('runs at each tick, with null and the context of its run', async () => {
    const seen: unknown[] = []
    @Injectable()
    class Cleaner {
      @Scheduled(cleanUp, { cron: '0 3 * * *', timeZone: 'Europe/Berlin' })
      clean(input: null, { id, attempt }: TaskContext) {
        seen.push([input, id, attempt])
      }
    }
    const { bench, scheduler } = await started([Cleaner])
    expect(scheduler.schedules()).toMatchObject([
      { name: 'clean-up', task: 'clean-up', next: new Date('2026-01-01T02:00:00Z') },
    ])
    await bench.advance(48 * hourMs)
    expect(seen).toEqual([
      [null, 'clean-up@2026-01-01T02:00:00.000Z', 1],
      [null, 'clean-up@2026-01-02T02:00:00.000Z', 1],
    ])
  })

  it('is the worker of the task whoever enqueues it, by the policy of the task', async () => {
    const attempts: number[] = []
    @Injectable()
    class Cleaner {
      @Scheduled(cleanUp, { everyMs: 24 * hourMs })
      clean(_input: null, { attempt }: TaskContext) {
        attempts.push(attempt)
        if (attempt === 1) throw new Error('the disk is busy')
      }
    }
    const { bench, scheduler } = await started([Cleaner])
    await scheduler.enqueue(cleanUp, null)
    await bench.settled()
    expect(attempts).toEqual([1, 2])
  })

  it('may have several schedules, each with its name and its input, and the options of @OnTask', async () => {
    const seen: unknown[] = []
    let running = 0
    @Injectable()
    class Reports {
      @OnTask(report, { concurrency: 1 })
      @Scheduled(report, { name: 'daily', cron: '0 9 * * *', input: { day: 'today', pages: '1' as never } })
      @Scheduled(report, { name: 'monthly', cron: '0 9 1 * *', input: { day: 'month', pages: 20 } })
      async write({ day, pages }: { day: string; pages: number }, { headers }: TaskContext) {
        running += 1
        await Promise.resolve()
        seen.push([headers.schedule, day, pages, running])
        running -= 1
      }
    }
    const { bench } = await started([Reports])
    await bench.advance(36 * hourMs)
    expect(seen.slice(0, 2).toSorted()).toEqual([
      ['daily', 'today', 1, 1],
      ['monthly', 'month', 20, 1],
    ])
    expect(seen.slice(2)).toEqual([['daily', 'today', 1, 1]])
  })

  it('runs on an instance of its own if it is request-scoped', async () => {
    const seen: unknown[] = []
    @Injectable({ scope: Scope.REQUEST })
    class Cleaner {
      constructor(@Inject(REQUEST) readonly request: TaskContext) {}
      @Scheduled(cleanUp, { everyMs: hourMs })
      clean() {
        seen.push(this.request.id)
      }
    }
    const { bench } = await started([Cleaner])
    await bench.advance(2 * hourMs)
    expect(seen).toEqual(['clean-up@2026-01-01T01:00:00.000Z', 'clean-up@2026-01-01T02:00:00.000Z'])
  })

  it('is not scheduled with consume: false, and no longer once the application is closed', async () => {
    @Injectable()
    class Cleaner {
      @Scheduled(cleanUp, { everyMs: hourMs })
      clean() {}
    }
    const app = async (consume: boolean) => {
      const app = await compiled([Cleaner], { modules: [onMemory({ consume })] })
      onTestFinished(() => app.close())
      await app.init()
      return { app, schedules: () => app.get(getSchedulerToken()).schedules() }
    }
    expect((await app(false)).schedules()).toEqual([])
    const worker = await app(true)
    expect(worker.schedules()).toMatchObject([{ name: 'clean-up', next: expect.any(Date) }])
    await worker.app.close()
    expect(worker.schedules()).toMatchObject([{ name: 'clean-up', next: undefined }])
  })

  it('belongs to the queue that it names', async () => {
    @Injectable()
    class Cleaner {
      @Scheduled(cleanUp, { everyMs: hourMs, queue: 'audit' })
      clean() {}
    }
    const app = await compiled([Cleaner], { modules: [onMemory(), onMemory({ name: 'audit' })] })
    onTestFinished(() => app.close())
    await app.init()
    expect(app.get(getSchedulerToken()).schedules()).toEqual([])
    expect(app.get(getSchedulerToken('audit')).schedules()).toMatchObject([{ name: 'clean-up' }])
  })
})

describe('at the start is refused', () => {
  const refusal = async (providers: readonly object[], options?: Parameters<typeof started>[1]) => {
    const error = (await errorOf(started(providers, options))) as { readonly code?: string; readonly message: string }
    return `${error.code} ${error.message}`
  }

  it('a second schedule of the same name, of one method, of two, and of a class that two modules provide', async () => {
    class Twice {
      @Scheduled(cleanUp, { everyMs: hourMs })
      @Scheduled(cleanUp, { cron: '@daily' })
      clean() {}
    }
    expect(await refusal([Twice])).toBe(
      "MQ_DUPLICATE_TASK Twice.clean takes the schedule 'clean-up' twice: give one of them another name",
    )
    class Cleaner {
      @Scheduled(cleanUp, { everyMs: hourMs, name: 'hourly' })
      clean() {}
    }
    class Reports {
      @Scheduled(report, { everyMs: hourMs, name: 'hourly', input: { day: 'today', pages: 1 } })
      write() {}
    }
    expect(await refusal([Cleaner, Reports])).toBe(
      "MQ_DUPLICATE_TASK Cleaner.clean and Reports.write both take the schedule 'hourly': give one of them another name",
    )
    @Module({ providers: [Cleaner] })
    class Cleaning {}
    expect(await refusal([Cleaner], { imports: [Cleaning] })).toMatch(
      /^MQ_DUPLICATE_TASK Cleaner\.clean takes the task 'clean-up' twice, as .*Cleaning.* provide its class/,
    )
  })

  it('a second worker of the same task', async () => {
    class Cleaner {
      @Scheduled(cleanUp, { everyMs: hourMs, name: 'hourly' })
      clean() {}
    }
    class Other {
      @OnTask(cleanUp)
      clean() {}
    }
    expect(await refusal([Cleaner, Other])).toMatch(
      /^MQ_DUPLICATE_TASK Cleaner\.clean and Other\.clean both take the task 'clean-up', and would share/,
    )
  })

  it('a rule that cannot be followed, and an input that the task refuses, with the name of the method', async () => {
    class Cleaner {
      @Scheduled(cleanUp, { cron: '0 25 * * *' })
      clean() {}
    }
    expect(await refusal([Cleaner])).toMatch(/^MQ_INVALID_OPTION Cleaner\.clean: '0 25 \* \* \*' is no cron/)
    class Reports {
      @Scheduled(report, { everyMs: hourMs, input: { day: 7 as never, pages: 1 } })
      write() {}
    }
    expect(await refusal([Reports])).toMatch(/^MQ_INVALID_DATA Reports\.write: .*day/)
    class Wrong {
      @Scheduled(cleanUp, { everyMs: hourMs, concurrency: 1 } as never)
      clean() {}
    }
    expect(await refusal([Wrong])).toMatch(/^MQ_INVALID_OPTION Wrong\.clean: .*concurrency/)
  })

  it('a schedule for which replicas could agree on nothing', async () => {
    class Cleaner {
      @Scheduled(cleanUp, { everyMs: hourMs })
      clean() {}
    }
    const whole = memory()
    const adapter = { ...whole, capabilities: { ...whole.capabilities, orderedKeys: false } }
    const app = await compiled([Cleaner], { modules: [MqModule.forRoot({ address: adapter, log: quiet })] })
    expect(await errorOf(app.init())).toMatchObject({
      code: 'MQ_STORE_REQUIRED',
      message: expect.stringMatching(/^Cleaner\.clean: /),
    })
  })
})

it('@Scheduled beside @OnMessage throws a TypeError, and so does one without a task', () => {
  class Both {
    @OnMessage('any')
    both() {}
  }
  const descriptor = Object.getOwnPropertyDescriptor(Both.prototype, 'both') as TypedPropertyDescriptor<() => void>
  expect(() => Scheduled(cleanUp, { everyMs: hourMs })(Both.prototype, 'both', descriptor)).toThrow(
    new TypeError('Both.both has both @Scheduled and @OnMessage, which call it differently: use two methods'),
  )
  expect(() => Scheduled(undefined as never, { everyMs: hourMs })).toThrow(/^@Scheduled got undefined/)
})
