import { defineEvent, defineTask, type TaskContext } from '@mq/core'
import { declareTask, type MessageContext, MqModule, OnMessage, OnTask, Scheduled } from '@mq/nestjs'
import { from } from 'rxjs'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

interface User {
  readonly email: string
}
const userCreated = defineEvent('user.created', { schema: z.object({ email: z.email(), age: z.coerce.number() }) })
const userLeft = defineEvent<User>('user.left')
const sendMail = declareTask({
  name: 'send',
  input: z.object({ to: z.string() }),
  result: z.object({ id: z.number() }),
})
const count = defineTask({ name: 'count', execute: (input: number) => input })
const ping = declareTask({ name: 'ping', input: z.object({ host: z.string() }) })

describe('@OnMessage', () => {
  it('takes methods whose parameters take the data of the event, after its schema', () => {
    class Fits {
      @OnMessage(userCreated)
      all(_user: { email: string; age: number }, _context: MessageContext<{ email: string; age: number }>) {}
      @OnMessage(userCreated, { group: 'a', concurrency: 2 })
      part(_user: { email: string }, _context: MessageContext) {}
      @OnMessage(userCreated, { queue: 'audit' })
      none() {}
      @OnMessage(userLeft, { tombstones: true })
      tombstones(_user: User | null) {}
      @OnMessage('any.topic')
      piped(_data: User, _context: MessageContext) {}
      @OnMessage(sendMail, { group: 'audit' })
      async task(_input: { to: string }) {}
    }
    expectTypeOf(Fits).not.toBeAny()
  })

  it('refuses other methods', () => {
    class FitsNot {
      // @ts-expect-error the event has no name
      @OnMessage(userCreated)
      other(_user: { name: string }) {}
      // @ts-expect-error the schema makes a number of the age
      @OnMessage(userCreated)
      before(_user: { age: string }) {}
      // @ts-expect-error the message has other data
      @OnMessage(userCreated)
      context(_user: unknown, _context: MessageContext<{ name: string }>) {}
      // @ts-expect-error there is no third parameter
      @OnMessage(userCreated)
      third(_user: unknown, _context: MessageContext, _more: string) {}
      // @ts-expect-error a tombstone has no data
      @OnMessage(userLeft, { tombstones: true })
      tombstones(_user: User) {}
      // @ts-expect-error whoever watches a task needs a group of their own
      @OnMessage(sendMail)
      task(_input: { to: string }) {}
      // @ts-expect-error there is no such option
      @OnMessage(userLeft, { gruop: 'a' })
      option() {}
      // @ts-expect-error a field is no method
      @OnMessage(userLeft)
      field = 1
    }
    expectTypeOf(FitsNot).not.toBeAny()
  })
})

describe('@OnTask', () => {
  it('takes methods with the input and the result of the task, now or later', () => {
    class Fits {
      @OnTask(sendMail)
      send(_input: { to: string }, _context: TaskContext) {
        return { id: 1 }
      }
      @OnTask(sendMail, { concurrency: 2 })
      async later() {
        return { id: 1 }
      }
      @OnTask(count)
      many(input: number) {
        return from([input])
      }
      @OnTask(ping)
      ping(_input: { host: string }) {}
    }
    expectTypeOf(Fits).not.toBeAny()
  })

  it('refuses other methods', () => {
    class FitsNot {
      // @ts-expect-error the input has no cc
      @OnTask(sendMail)
      input(_input: { cc: string }) {
        return { id: 1 }
      }
      // @ts-expect-error the result is a number
      @OnTask(sendMail)
      result() {
        return { id: 'one' }
      }
      // @ts-expect-error a task is called with a TaskContext, which has no message
      @OnTask(sendMail)
      context(_input: unknown, _context: MessageContext) {
        return { id: 1 }
      }
      // @ts-expect-error a worker has no group of its own
      @OnTask(sendMail, { group: 'a' })
      option() {
        return { id: 1 }
      }
      // @ts-expect-error an event is no task
      @OnTask(userLeft)
      event() {}
    }
    expectTypeOf(FitsNot).not.toBeAny()
  })
})

describe('@Scheduled', () => {
  const cleanUp = declareTask<null>({ name: 'clean-up' })
  const aged = declareTask({ name: 'aged', input: z.object({ days: z.coerce.number() }) })
  const loose = defineTask({ name: 'loose', execute: (_input: { day: string } | null) => 1 })

  it('takes methods like @OnTask, and an input as it is enqueued, which may be left out if it may be null', () => {
    class Fits {
      @Scheduled(cleanUp, { cron: '0 3 * * *', timeZone: 'Europe/Berlin', missed: 'runOnce' })
      clean() {}
      @OnTask(sendMail, { concurrency: 2 })
      @Scheduled(sendMail, { name: 'daily', everyMs: 1_000, input: { to: 'ada' }, queue: 'audit' })
      async send(_input: { to: string }, _context: TaskContext) {
        return { id: 1 }
      }
      @Scheduled(aged, { everyMs: 1_000, input: { days: '7' } })
      aged(_input: { days: number }) {}
      @Scheduled(loose, { everyMs: 1_000 })
      @Scheduled(loose, { everyMs: 1_000, name: 'today', input: { day: 'today' } })
      loose() {
        return 1
      }
    }
    expectTypeOf(Fits).not.toBeAny()
  })

  it('refuses other methods, inputs and rules', () => {
    class FitsNot {
      // @ts-expect-error the task has an input
      @Scheduled(sendMail, { everyMs: 1_000 })
      none() {
        return { id: 1 }
      }
      // @ts-expect-error the input has no cc
      @Scheduled(sendMail, { everyMs: 1_000, input: { cc: 'ada' } })
      input() {
        return { id: 1 }
      }
      // @ts-expect-error a schedule has one rule
      @Scheduled(cleanUp, { everyMs: 1_000, cron: '@daily' })
      rules() {}
      // @ts-expect-error options of the worker belong to @OnTask
      @Scheduled(cleanUp, { everyMs: 1_000, concurrency: 1 })
      option() {}
      // @ts-expect-error the input is null
      @Scheduled(cleanUp, { everyMs: 1_000 })
      method(_input: { day: string }) {}
    }
    expectTypeOf(FitsNot).not.toBeAny()
  })
})

it('a declared task has the types of its schemas, or those that it is given', () => {
  expectTypeOf(sendMail.execute).parameter(0).toEqualTypeOf<{ to: string }>()
  expectTypeOf(sendMail.execute).returns.toEqualTypeOf<{ id: number } | Promise<{ id: number }>>()
  expectTypeOf(ping.execute).returns.toEqualTypeOf<void | Promise<void>>()
  expectTypeOf(declareTask<string, number>({ name: 'x' }).execute)
    .parameter(0)
    .toEqualTypeOf<string>()
})

it('forRootAsync takes a factory whose arguments have types', () => {
  class Settings {
    readonly url = 'memory:'
  }
  MqModule.forRootAsync({ inject: [Settings], useFactory: ({ url }: Settings) => ({ address: url, group: 'a' }) })
  // @ts-expect-error the factory returns no address
  MqModule.forRootAsync({ useFactory: () => ({ group: 'a' }) })
})
