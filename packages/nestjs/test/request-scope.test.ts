import { defineEvent, type TaskContext } from '@mq/core'
import { declareTask, type MessageContext, OnMessage, OnTask } from '@mq/nestjs'
import { type CanActivate, type ExecutionContext, Inject, Injectable, Scope, UseGuards } from '@nestjs/common'
import { REQUEST } from '@nestjs/core'
import { describe, expect, it } from 'vitest'
import { errorOf, started } from './support/applications.js'

const orderPaid = defineEvent<{ order: number }>('order.paid')
const double = declareTask<number, number>({ name: 'double' })

describe('a request-scoped provider', () => {
  it('has an instance for each message, with what is injected into it, and REQUEST is the context', async () => {
    const seen: unknown[] = []
    let instances = 0
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {
      constructor(@Inject(REQUEST) readonly request: MessageContext) {
        instances += 1
      }
    }
    @Injectable()
    class Orders {
      constructor(@Inject(Tenant) readonly tenant: Tenant) {}
      @OnMessage(orderPaid, { concurrency: 1 })
      paid(data: { order: number }, context: MessageContext<{ order: number }>) {
        seen.push([data.order, this.tenant.request.message.id === context.message.id, this instanceof Orders])
      }
    }
    const { bench, queue } = await started([Tenant, Orders])
    expect(instances).toBe(0)
    await queue.publishAll(orderPaid, [{ order: 1 }, { order: 2 }])
    await bench.settled()
    expect(seen).toEqual([
      [1, true, true],
      [2, true, true],
    ])
    expect(instances).toBe(2)
  })

  it('may be a guard, and may do a task', async () => {
    const seen: unknown[] = []
    @Injectable({ scope: Scope.REQUEST })
    class Guard implements CanActivate {
      constructor(@Inject(REQUEST) readonly request: TaskContext) {}
      canActivate(context: ExecutionContext) {
        seen.push(this.request.task, context.getArgs()[0])
        return true
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Sums {
      @OnTask(double)
      @UseGuards(Guard)
      double(input: number) {
        return 2 * input
      }
    }
    const { scheduler } = await started([Sums])
    expect(await scheduler.run(double, 3)).toBe(6)
    expect(seen).toEqual(['double', 3])
  })

  it('that cannot be made fails the message, which is retried', async () => {
    let tries = 0
    const done: number[] = []
    @Injectable({ scope: Scope.REQUEST })
    class Orders {
      constructor() {
        tries += 1
        if (tries === 1) throw new Error('the database is away')
      }
      @OnMessage(orderPaid)
      paid({ order }: { order: number }) {
        done.push(order)
      }
    }
    const { bench, queue } = await started([Orders])
    await queue.publish(orderPaid, { order: 7 })
    await bench.settled()
    expect([tries, done]).toEqual([2, [7]])
  })
})

it('a transient provider is refused, because nobody holds the instance to call', async () => {
  @Injectable({ scope: Scope.TRANSIENT })
  class Orders {
    @OnMessage(orderPaid)
    paid() {}
  }
  expect(await errorOf(started([Orders]))).toMatchObject({
    code: 'MQ_INVALID_OPTION',
    message: expect.stringMatching(/^Orders\.paid .* transient/),
  })
})
