import { defineEvent, type TaskContext } from '@mq/core'
import { declareTask, type MessageContext, type MqContextType, OnMessage, OnTask } from '@mq/nestjs'
import {
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  SetMetadata,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common'
import { APP_GUARD, APP_INTERCEPTOR, APP_PIPE, Reflector } from '@nestjs/core'
import { IsEmail } from 'class-validator'
import { from, map, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { errorOf, started } from './support/applications.js'

const orderPaid = defineEvent<{ order: number }>('order.paid')
const double = declareTask<number, number>({ name: 'double', retry: false })

/** As a compiler emits them for `emitDecoratorMetadata`, which that of these tests does not. */
const ParamTypes = (...types: readonly unknown[]): MethodDecorator => Reflect.metadata('design:paramtypes', types)

describe('a guard', () => {
  it('sees the kind of context, its arguments, the class, the method, and what decorators say of them', async () => {
    const seen: unknown[] = []
    class Seeing implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const [data, { message }] = context.getArgs<[unknown, MessageContext]>()
        const roles = new Reflector().getAllAndOverride('roles', [context.getHandler(), context.getClass()])
        seen.push(
          context.getType<MqContextType>(),
          data,
          message.topic,
          context.getClass(),
          context.getHandler().name,
          roles,
        )
        return true
      }
    }
    @Injectable()
    class Orders {
      @OnMessage(orderPaid)
      @UseGuards(Seeing)
      @SetMetadata('roles', ['clerk'])
      paid() {
        seen.push('called')
      }
    }
    const { bench, queue } = await started([Orders])
    await queue.publish(orderPaid, { order: 7 })
    await bench.settled()
    expect(seen).toEqual(['mq', { order: 7 }, 'order.paid', Orders, 'paid', ['clerk'], 'called'])
  })

  it('that refuses a message makes it fail, without a call of the method', async () => {
    let calls = 0
    @Injectable()
    @UseGuards({ canActivate: () => false })
    class Orders {
      @OnMessage(orderPaid, { retry: { attempts: 2 } })
      paid() {
        calls += 1
      }
    }
    const { bench, queue } = await started([Orders])
    await queue.publish(orderPaid, { order: 7 })
    await bench.settled()
    const [dead] = await queue.deadLetters(orderPaid).list()
    expect(dead?.failure).toMatchObject({ attempts: 2, error: { name: 'ForbiddenException' } })
    expect(calls).toBe(0)
  })
})

describe('an interceptor', () => {
  it('surrounds the method and gives the result that counts', async () => {
    const tenfold: NestInterceptor = {
      intercept: (_context, next: CallHandler) => next.handle().pipe(map((n) => n * 10)),
    }
    @Injectable()
    class Sums {
      @OnTask(double)
      @UseInterceptors(tenfold)
      double(input: number) {
        return 2 * input
      }
    }
    const { scheduler } = await started([Sums])
    expect(await scheduler.run(double, 3)).toBe(60)
  })

  it('is not needed for a method that returns an Observable: its last value is the result', async () => {
    @Injectable()
    class Sums {
      @OnTask(double)
      double(input: number) {
        return from([input, 2 * input])
      }
    }
    const { scheduler } = await started([Sums])
    expect(await scheduler.run(double, 3)).toBe(6)
  })
})

class Order {
  @IsEmail()
  email!: string
}

describe('a pipe', () => {
  it('gets the data with its type, and never the context', async () => {
    const seen: unknown[] = []
    const noting: PipeTransform = {
      transform(value: unknown, { metatype, type }: ArgumentMetadata) {
        seen.push([value, metatype, type])
        return 'changed'
      },
    }
    @Injectable()
    @UsePipes(noting)
    class Orders {
      @OnMessage('order.placed')
      @ParamTypes(Order, Object)
      placed(data: string, { message }: MessageContext) {
        seen.push([data, message.data])
      }
    }
    const { bench, queue } = await started([Orders])
    await queue.publish('order.placed', { order: 7 })
    await bench.settled()
    expect(seen).toEqual([
      [{ order: 7 }, Order, 'body'],
      ['changed', { order: 7 }],
    ])
  })

  it('that validates a class makes instances of it, and what it refuses fails', async () => {
    const seen: unknown[] = []
    @Injectable()
    class Orders {
      @OnMessage('order.placed', { retry: false })
      @UsePipes(new ValidationPipe({ transform: true }))
      @ParamTypes(Order, Object)
      placed(order: Order) {
        seen.push(order)
      }

      @OnMessage('order.changed', { retry: false })
      @UsePipes(new ValidationPipe({ transform: true, expectedType: Order }))
      changed(order: Order, { message }: MessageContext) {
        seen.push(order, message.topic)
      }
    }
    const { bench, queue } = await started([Orders])
    await queue.publish('order.placed', { email: 'ada@example.com' })
    await queue.publish('order.placed', { email: 'nobody' })
    await queue.publish('order.changed', { email: 'bob@example.com' })
    await bench.settled()
    const order = (email: string) => Object.assign(new Order(), { email })
    expect(seen).toEqual([order('ada@example.com'), order('bob@example.com'), 'order.changed'])
    expect(seen[0]).toBeInstanceOf(Order)
    const [dead] = await queue.deadLetters('order.placed').list()
    expect(dead?.failure.error.name).toBe('BadRequestException')
  })

  it('runs inside guards and interceptors, as it does for a request', async () => {
    const seen: string[] = []
    const noting = (what: string) => seen.push(what)
    @Injectable()
    @UseGuards({ canActivate: () => Boolean(noting('guard')) })
    @UseInterceptors({
      intercept: (_: ExecutionContext, next: CallHandler) => of(noting('interceptor')) && next.handle(),
    })
    @UsePipes({ transform: (value: unknown) => noting('pipe') && value })
    class Orders {
      @OnMessage(orderPaid)
      paid() {
        noting('method')
      }
    }
    const { bench, queue } = await started([Orders])
    await queue.publish(orderPaid, { order: 7 })
    await bench.settled()
    expect(seen).toEqual(['guard', 'interceptor', 'pipe', 'method'])
  })
})

describe('parameters', () => {
  /** As `@Payload(...pipes)` and `@Ctx()` of `@nestjs/microservices` write them. */
  const decorated = (place: string, index: number, data?: unknown, pipes: readonly unknown[] = []): MethodDecorator => {
    return (target, key) => {
      const params = Reflect.getMetadata('__routeArguments__', target.constructor, key) ?? {}
      const more = { ...params, [place]: { index, data, pipes } }
      Reflect.defineMetadata('__routeArguments__', more, target.constructor, key)
    }
  }

  it('may keep the decorators of @nestjs/microservices that say what holds here anyway', async () => {
    const seen: unknown[] = []
    @Injectable()
    class Orders {
      @OnMessage(orderPaid)
      @decorated('3:0', 0, undefined, [{ transform: ({ order }: { order: number }) => ({ order: order + 1 }) }])
      @decorated('4:1', 1)
      paid(data: { order: number }, { message }: MessageContext) {
        seen.push(data.order, message.topic)
      }
    }
    const { bench, queue } = await started([Orders])
    await queue.publish(orderPaid, { order: 7 })
    await bench.settled()
    expect(seen).toEqual([8, 'order.paid'])
  })

  it('are refused at the start if their decorator means nothing to a message', async () => {
    const Tenant = createParamDecorator(() => 'acme')
    class Orders {
      @OnMessage('order.placed')
      placed(_data: never, @Tenant() _context: MessageContext) {}
    }
    class Named {
      @OnMessage('order.placed')
      @decorated('3:0', 0, 'order')
      placed() {}
    }
    expect(await errorOf(started([Orders]))).toMatchObject({
      code: 'MQ_INVALID_OPTION',
      message: expect.stringMatching(/^Parameter 2 of Orders\.placed /),
    })
    expect(await errorOf(started([Named]))).toMatchObject({ message: expect.stringMatching(/^Parameter 1 of Named/) })
  })
})

describe('what counts for the whole application', () => {
  const seen: string[] = []
  const noting = (what: string) => seen.push(what)
  const guard: CanActivate = { canActivate: () => Boolean(noting('guard')) }
  const interceptor: NestInterceptor = { intercept: (_context, next) => of(noting('interceptor')) && next.handle() }
  const pipe: PipeTransform = { transform: (value) => noting('pipe') && value }

  class Sums {
    @OnTask(double)
    double(input: number, { task }: TaskContext) {
      noting(task)
      return 2 * input
    }
  }
  const provided = [
    Sums,
    { provide: APP_GUARD, useValue: guard },
    { provide: APP_INTERCEPTOR, useValue: interceptor },
    { provide: APP_PIPE, useValue: pipe },
  ]
  const before = (app: unknown) => {
    ;(app as INestApplication).useGlobalGuards(guard).useGlobalInterceptors(interceptor).useGlobalPipes(pipe)
  }

  it('does not count for messages, because it was written for requests', async () => {
    seen.length = 0
    const { scheduler } = await started(provided, { before })
    expect(await scheduler.run(double, 3)).toBe(6)
    expect(seen).toEqual(['double'])
  })

  it('counts with inheritAppConfig', async () => {
    seen.length = 0
    const { scheduler } = await started(provided, { before, mq: { inheritAppConfig: true } })
    expect(await scheduler.run(double, 3)).toBe(6)
    expect(seen).toEqual(['guard', 'guard', 'interceptor', 'interceptor', 'pipe', 'pipe', 'double'])
  })
})

describe('an enhancer that is bound by its class', () => {
  const refusing = () => {
    @Injectable()
    class Refuse implements CanActivate {
      canActivate() {
        return false
      }
    }
    let calls = 0
    @Injectable()
    class Orders {
      @OnMessage(orderPaid, { retry: false })
      @UseGuards(Refuse)
      paid() {
        calls += 1
      }
    }
    return { Orders, calls: () => calls }
  }

  it('counts if the provider has another token than its class', async () => {
    const { Orders, calls } = refusing()
    const { bench, queue } = await started([{ provide: 'orders', useClass: Orders }])
    await queue.publish(orderPaid, { order: 7 })
    await bench.settled()
    expect([calls(), (await queue.stats(orderPaid)).dead]).toEqual([0, 1])
  })

  it('is refused where Nest would leave it out: if a factory or a value gives the provider', async () => {
    const { Orders } = refusing()
    for (const given of [{ useFactory: () => new Orders() }, { useValue: new Orders() }]) {
      expect(await errorOf(started([{ provide: 'orders', ...given }]))).toMatchObject({
        code: 'MQ_INVALID_OPTION',
        message: expect.stringMatching(/^Orders\.paid has Refuse, which Nest makes for classes alone/),
      })
    }
  })

  it('is known by each class, also if two have the same name and the same method', async () => {
    const types: unknown[] = []
    const noting: PipeTransform = {
      transform(value, { metatype }) {
        types.push(metatype)
        return value
      },
    }
    const listenerOf = (event: string, type: unknown) => {
      @Injectable()
      @UsePipes(noting)
      class Listener {
        @OnMessage(event)
        @ParamTypes(type)
        note() {}
      }
      return Listener
    }
    class One {}
    class Other {}
    const { bench, queue } = await started([listenerOf('one', One), listenerOf('other', Other)])
    await queue.publish('one', 1)
    await queue.publish('other', 2)
    await bench.settled()
    expect(types).toEqual([One, Other])
  })
})
