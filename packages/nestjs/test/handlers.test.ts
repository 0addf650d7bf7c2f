import { defineEvent, type Message, type Queue, type TaskContext, type TaskScheduler } from '@mq/core'
import { declareTask, InjectQueue, InjectScheduler, type MessageContext, OnMessage, OnTask } from '@mq/nestjs'
import { Controller, Inject, Injectable, Module } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { errorOf, started } from './support/applications.js'

const userCreated = defineEvent('user.created', { schema: z.object({ email: z.email() }) })
const userLeft = defineEvent<{ email: string }>('user.left', { key: ({ email }) => email })
const sendMail = declareTask({
  name: 'send-mail',
  input: z.object({ to: z.email() }),
  result: z.object({ accepted: z.string() }),
})

@Injectable()
class Mailer {
  readonly sent: string[] = []
}

@Injectable()
class Users {
  readonly seen: Message[] = []

  constructor(
    @Inject(Mailer) readonly mailer: Mailer,
    @InjectQueue() readonly queue: Queue,
    @InjectScheduler() readonly scheduler: TaskScheduler,
  ) {}

  @OnMessage(userCreated, { group: 'welcome' })
  async welcome(user: { email: string }, { message }: MessageContext<{ email: string }>) {
    this.seen.push(message)
    await this.scheduler.enqueue(sendMail, { to: user.email })
  }

  @OnTask(sendMail)
  async send({ to }: { to: string }, { attempt }: TaskContext) {
    this.mailer.sent.push(`${to} ${attempt}`)
    return { accepted: to }
  }
}

describe('a decorated method', () => {
  it('gets messages and tasks, as a method of the instance that Nest has made', async () => {
    const { app, bench, queue, scheduler } = await started([Mailer, Users])
    const { id } = await queue.publish(userCreated, { email: 'ada@example.com' })
    await bench.settled()
    const users = app.get(Users)
    expect(users.queue).toBe(queue)
    expect(users.scheduler).toBe(scheduler)
    expect(users.seen.map((message) => message.id)).toEqual([id])
    expect(app.get(Mailer).sent).toEqual(['ada@example.com 1'])
  })

  it('answers who waits for the result of its task', async () => {
    const { scheduler } = await started([Mailer, Users])
    expect(await scheduler.run(sendMail, { to: 'ada@example.com' })).toEqual({ accepted: 'ada@example.com' })
  })

  it('may belong to a controller, may be inherited, and may take several events', async () => {
    const seen: string[] = []
    class Base {
      @OnMessage(userCreated)
      @OnMessage(userLeft, { group: 'other' })
      note(user: { email: string }, { message }: MessageContext) {
        seen.push(`${message.topic} ${user.email}`)
      }
    }
    @Controller()
    class Audit extends Base {}
    @Module({ controllers: [Audit] })
    class AuditModule {}

    const { bench, queue } = await started([], { imports: [AuditModule] })
    await queue.publish(userCreated, { email: 'ada@example.com' })
    await queue.publish(userLeft, { email: 'bob@example.com' })
    await bench.settled()
    expect(seen).toEqual(['user.created ada@example.com', 'user.left bob@example.com'])
  })

  it('is found once, whether its instance comes from a class, a factory, a value or under a second name', async () => {
    const seen: string[] = []
    class Listener {
      readonly name: string
      constructor(name: string) {
        this.name = name
      }
      @OnMessage('any', { ephemeral: true })
      note() {
        seen.push(this.name)
      }
    }
    const { bench, queue } = await started([
      { provide: 'factory', useFactory: () => new Listener('factory') },
      { provide: 'value', useValue: new Listener('value') },
      { provide: 'again', useExisting: 'factory' },
      { provide: 'same', inject: ['factory'], useFactory: (listener: Listener) => listener },
      { provide: 'text', useValue: 'no object' },
      { provide: 'nothing', useValue: null },
    ])
    await queue.publish('any', 1)
    await bench.settled()
    expect(seen.toSorted()).toEqual(['factory', 'value'])
  })

  it('gets null for a tombstone if it asks for tombstones', async () => {
    const seen: unknown[] = []
    @Injectable()
    class Left {
      @OnMessage(userLeft, { tombstones: true })
      note(user: { email: string } | null, { message }: MessageContext<{ email: string } | null>) {
        seen.push([user, message.tombstone, message.key])
      }
    }
    const { bench, queue } = await started([Left])
    await queue.publishTombstone(userLeft, 'ada@example.com')
    await bench.settled()
    expect(seen).toEqual([[null, true, 'ada@example.com']])
  })

  it('has the signal, the log and the queue of core in its context', async () => {
    const seen: unknown[] = []
    @Injectable()
    class Listener {
      @OnMessage(userLeft)
      note(_user: unknown, { signal, log, queue }: MessageContext) {
        seen.push(signal.aborted, typeof log.info, queue)
      }
    }
    const { bench, queue } = await started([Listener])
    await queue.publish(userLeft, { email: 'ada@example.com' })
    await bench.settled()
    expect(seen).toEqual([false, 'function', queue])
  })
})

describe('a declared task', () => {
  it('keeps its retry policy and its hooks, and takes the method in the place of its work', async () => {
    const flaky = declareTask<number, number>({ name: 'flaky', retry: { attempts: 2, delayMs: 1_000 } })
    const attempts: number[] = []
    @Injectable()
    class Worker {
      @OnTask(flaky, { concurrency: 1 })
      work(_input: number, { attempt }: TaskContext): number {
        attempts.push(attempt)
        throw new Error('no')
      }
    }
    const { bench, scheduler, queue } = await started([Worker])
    await scheduler.enqueue(flaky, 1)
    await bench.settled()
    expect(attempts).toEqual([1, 2])
    expect((await queue.stats(flaky)).dead).toBe(1)
  })

  it('fails for good if the method returns what it was not declared with', async () => {
    @Injectable()
    class Worker {
      @OnTask(sendMail)
      async send() {
        return JSON.parse('{"accepted":7}')
      }
    }
    const { scheduler } = await started([Worker])
    expect(await errorOf(scheduler.run(sendMail, { to: 'ada@example.com' }))).toMatchObject({
      code: 'MQ_TASK_FAILED',
      failure: { name: 'Unrecoverable', attempts: 1, message: expect.stringContaining("'send-mail'") },
    })
  })

  it('says what is missing if it is registered without a method', async () => {
    const { scheduler } = await started([])
    const lonely = declareTask<null>({ name: 'lonely', retry: false })
    await scheduler.register(lonely)
    await scheduler.start()
    const error = await errorOf(scheduler.run(lonely, null))
    expect(error).toMatchObject({ failure: { message: expect.stringContaining('@OnTask') } })
  })
})
