import { defineEvent, type Queue, type TaskScheduler } from '@mq/core'
import { memory } from '@mq/memory'
import {
  declareTask,
  getQueueToken,
  getSchedulerToken,
  InjectQueue,
  InjectScheduler,
  MqModule,
  OnMessage,
  OnTask,
} from '@mq/nestjs'
import { Injectable, Module } from '@nestjs/common'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compiled, onMemory, quiet } from './support/applications.js'

const orderPaid = defineEvent<{ order: number }>('order.paid')
const double = declareTask<number, number>({ name: 'double' })

describe('queues with names', () => {
  it('are injected by their names, and a handler is for one of them', async () => {
    const seen: string[] = []
    @Injectable()
    class Orders {
      constructor(
        @InjectQueue() readonly queue: Queue,
        @InjectQueue('audit') readonly audit: Queue,
        @InjectScheduler('audit') readonly scheduler: TaskScheduler,
      ) {}
      @OnMessage(orderPaid)
      paid({ order }: { order: number }) {
        seen.push(`paid ${order}`)
      }
      @OnMessage(orderPaid, { queue: 'audit' })
      noted({ order }: { order: number }) {
        seen.push(`noted ${order}`)
      }
      @OnTask(double, { queue: 'audit' })
      double(input: number) {
        return 2 * input
      }
    }
    const modules = [onMemory({ group: 'shipping' }), onMemory({ name: 'audit', group: 'shipping' })]
    const app = await compiled([Orders], { modules })
    onTestFinished(() => app.close())
    await app.init()
    const { queue, audit, scheduler } = app.get(Orders)
    expect([app.get(getQueueToken()), app.get(getQueueToken('audit'))]).toEqual([queue, audit])
    expect(app.get(getSchedulerToken('audit'))).toBe(scheduler)
    await queue.publish(orderPaid, { order: 1 })
    await audit.publish(orderPaid, { order: 2 })
    await expect.poll(() => seen.toSorted()).toEqual(['noted 2', 'paid 1'])
    expect(await scheduler.run(double, 3)).toBe(6)
  })
})

describe('forRootAsync', () => {
  it('takes the options from a factory with what it injects, and an adapter value', async () => {
    @Injectable()
    class Settings {
      readonly group = 'from settings'
    }
    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}
    const seen: string[] = []
    @Injectable()
    class Orders {
      @OnMessage(orderPaid)
      paid() {
        seen.push('paid')
      }
    }
    const mq = MqModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: async ({ group }: Settings) => ({ address: memory(), group: group.replace(' ', '-'), log: quiet }),
    })
    // Twice, because an adapter belongs to one queue, and each application has a factory's own.
    for (const _ of [1, 2]) {
      const app = await compiled([Orders], { modules: [mq] })
      onTestFinished(() => app.close())
      await app.init()
      const queue = app.get<Queue>(getQueueToken())
      await queue.publish(orderPaid, { order: 1 })
      expect(queue.health().consumers).toMatchObject([{ group: 'from-settings' }])
    }
    await expect.poll(() => seen).toEqual(['paid', 'paid'])
  })
})
