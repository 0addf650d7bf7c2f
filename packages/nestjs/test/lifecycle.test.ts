import { setTimeout as pause } from 'node:timers/promises'
import { defineEvent, type Queue, type TaskScheduler } from '@mq/core'
import { memory, memoryStore } from '@mq/memory'
import {
  declareTask,
  getQueueToken,
  InjectQueue,
  InjectScheduler,
  type MessageContext,
  OnMessage,
  OnTask,
} from '@mq/nestjs'
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compiled, errorOf, onMemory } from './support/applications.js'

const orderPaid = defineEvent<{ order: number }>('order.paid')
const double = declareTask<number, number>({ name: 'double' })
const group = 'shipping'

describe('at the start', () => {
  it('the queue is connected before other modules are initialised, and handlers begin after all of them', async () => {
    const seen: string[] = []
    @Injectable()
    class Orders implements OnModuleInit {
      constructor(
        @InjectQueue() readonly queue: Queue,
        @InjectScheduler() readonly scheduler: TaskScheduler,
      ) {}
      async onModuleInit() {
        await this.queue.declareGroup(orderPaid, group)
        await this.queue.publish(orderPaid, { order: 7 })
        await this.scheduler.schedule('hourly', { everyMs: 3_600_000 }, double, 1)
        await pause(20)
        seen.push('initialised')
      }
      @OnMessage(orderPaid)
      ship() {
        seen.push('shipped')
      }
    }
    const app = await compiled([Orders], { modules: [onMemory({ group })] })
    onTestFinished(() => app.close())
    expect(app.get<Queue>(getQueueToken()).health().state).toBe('idle')
    await app.init()
    await expect.poll(() => seen).toEqual(['initialised', 'shipped'])
    const [schedule] = app.get(Orders).scheduler.schedules()
    await expect.poll(() => schedule?.next).toBeInstanceOf(Date)
  })

  it('a failure leaves no connection open', async () => {
    @Injectable()
    class Orders {
      @OnMessage(orderPaid, { group: 'no such name!' })
      ship() {}
    }
    const app = await compiled([Orders], { modules: [onMemory({ group })] })
    expect(await errorOf(app.init())).toMatchObject({ code: 'MQ_INVALID_NAME' })
    expect(app.get<Queue>(getQueueToken()).health().state).toBe('disconnected')
  })

  it('with consume: false nothing is handled, and everything can be published', async () => {
    const seen: string[] = []
    @Injectable()
    class Orders {
      @OnMessage(orderPaid)
      ship() {
        seen.push('shipped')
      }
      @OnTask(double)
      double(input: number) {
        return 2 * input
      }
    }
    const address = `memory://${crypto.randomUUID()}`
    const web = await compiled([Orders], { modules: [onMemory({ address, group, consume: false })] })
    const worker = await compiled([Orders], { modules: [onMemory({ address, group })] })
    onTestFinished(async () => {
      await Promise.all([web.close(), worker.close()])
    })
    await web.init()
    const queue = web.get<Queue>(getQueueToken())
    await queue.declareGroup(orderPaid, group)
    await queue.publish(orderPaid, { order: 7 })
    expect(await queue.stats(orderPaid)).toMatchObject({ ready: 1, inFlight: 0 })
    await worker.init()
    await expect.poll(() => seen).toEqual(['shipped'])
  })
})

describe('at the shutdown', () => {
  it('running handlers finish before modules further down close what they use; the queue goes last', async () => {
    const seen: string[] = []
    @Injectable()
    class Database implements OnModuleDestroy, OnApplicationShutdown {
      onModuleDestroy() {
        seen.push('database closing')
      }
      onApplicationShutdown() {
        seen.push('database closed')
      }
    }
    @Module({ providers: [Database], exports: [Database] })
    class DatabaseModule {}
    @Injectable()
    class Orders {
      constructor(@Inject(Database) readonly database: Database) {}
      @OnMessage(orderPaid)
      async ship() {
        seen.push('begun')
        await pause(50)
        seen.push('finished')
      }
    }
    @Module({ imports: [DatabaseModule], providers: [Orders] })
    class OrdersModule {}

    const app = await compiled([], { imports: [OrdersModule, onMemory({ group })] })
    await app.init()
    const queue = app.get<Queue>(getQueueToken())
    queue.on('state', ({ state }) => seen.push(state))
    await queue.publish(orderPaid, { order: 7 })
    await expect.poll(() => seen).toContain('begun')
    await app.close()
    expect(seen).toEqual(['begun', 'finished', 'database closing', 'database closed', 'disconnecting', 'disconnected'])
  })

  it('a handler that hangs holds it up for the stopTimeoutMs of the queue alone, and its message is given back', async () => {
    const reasons: unknown[] = []
    let begun = false
    @Injectable()
    class Orders {
      @OnMessage(orderPaid)
      ship(_data: unknown, { signal }: MessageContext) {
        begun = true
        signal.addEventListener('abort', () => reasons.push(signal.reason))
        return new Promise(() => {})
      }
    }
    const address = `memory://${crypto.randomUUID()}`
    const app = await compiled([Orders], { modules: [onMemory({ address, group, stopTimeoutMs: 50 })] })
    await app.init()
    await app.get<Queue>(getQueueToken()).publish(orderPaid, { order: 7 })
    await expect.poll(() => begun).toBe(true)
    const before = performance.now()
    await app.close()
    expect(performance.now() - before).toBeLessThan(2_000)
    expect(reasons).toEqual([expect.objectContaining({ code: 'MQ_STOPPED' })])
  })

  it('a request that waits for a task is answered, and may still publish', async () => {
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const events: string[] = []
    @Controller()
    class Web {
      constructor(
        @InjectQueue() readonly queue: Queue,
        @InjectScheduler() readonly scheduler: TaskScheduler,
      ) {}
      @Get('double')
      async double() {
        const result = await this.scheduler.run(double, 21)
        const { id } = await this.queue.publish('doubled', result)
        return { result, published: id.length > 0 }
      }
    }
    @Injectable()
    class Sums {
      @OnTask(double)
      async double(input: number) {
        events.push('begun')
        await released
        return 2 * input
      }
    }
    @Module({ controllers: [Web] })
    class WebModule {}
    const address = `memory://${crypto.randomUUID()}`
    const web = await compiled([], { imports: [WebModule, onMemory({ address })] })
    const worker = await compiled([Sums], { modules: [onMemory({ address })] })
    onTestFinished(() => worker.close())
    await Promise.all([web.listen(0), worker.init()])
    const answer = fetch(`${await web.getUrl()}/double`, { headers: { connection: 'close' } })
    await expect.poll(() => events).toEqual(['begun'])
    const closed = web.close()
    await expect.poll(() => web.getHttpServer().listening).toBe(false)
    release()
    expect(await (await answer).json()).toEqual({ result: 42, published: true })
    await closed
  })

  it('a store that can be disconnected is, after the queue', async () => {
    const seen: string[] = []
    const store = { ...memoryStore(), disconnect: async () => void seen.push('store') }
    const app = await compiled([], { modules: [onMemory({ scheduler: { store } })] })
    await app.init()
    app.get<Queue>(getQueueToken()).on('state', ({ state }) => seen.push(state))
    await app.close()
    expect(seen).toEqual(['disconnecting', 'disconnected', 'store'])
  })

  it('an application that was never initialised closes', async () => {
    const app = await compiled([], { modules: [onMemory({ address: memory() })] })
    await app.close()
    expect(app.get<Queue>(getQueueToken()).health().status).toBe('down')
  })
})
