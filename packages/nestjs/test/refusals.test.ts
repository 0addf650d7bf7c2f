import { defineEvent } from '@mq/core'
import { memory } from '@mq/memory'
import { declareTask, MqModule, OnMessage, OnTask } from '@mq/nestjs'
import { Injectable, Module } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import { compiled, errorOf, onMemory, started } from './support/applications.js'

const userCreated = defineEvent<{ email: string }>('user.created')
const sendMail = declareTask<string>({ name: 'send-mail' })

const refusal = async (providers: readonly object[], options?: Parameters<typeof started>[1]) => {
  const error = (await errorOf(started(providers, options))) as { readonly code?: string; readonly message: string }
  return `${error.code} ${error.message}`
}

class Welcome {
  @OnMessage(userCreated)
  greet() {}
}
class Audit {
  @OnMessage(userCreated)
  note() {}
}

describe('at the start is refused', () => {
  it('a second method for the same topic and group, which would take messages from the first', async () => {
    expect(await refusal([Welcome, Audit])).toBe(
      "MQ_INVALID_OPTION Welcome.greet and Audit.note both take 'user.created' in the group 'test', " +
        'and would share its messages: give one of them another group',
    )
  })

  it('a second method for the same task', async () => {
    class One {
      @OnTask(sendMail)
      send() {}
    }
    class Other {
      @OnTask(sendMail)
      send() {}
    }
    expect(await refusal([One, Other])).toBe(
      "MQ_DUPLICATE_TASK One.send and Other.send both take the task 'send-mail', and would share its messages: keep one of them",
    )
  })

  it('a class that two modules provide', async () => {
    @Module({ providers: [Welcome] })
    class Users {}
    expect(await refusal([Welcome], { imports: [Users] })).toMatch(
      /^MQ_INVALID_OPTION Welcome\.greet takes 'user\.created' in the group 'test' twice, as .*Users.* provide its class/,
    )
  })

  it('a queue that no module has, and one that two have', async () => {
    class Orders {
      @OnMessage('order.paid', { queue: 'orders', group: 'shipping' })
      ship() {}
    }
    expect(await refusal([Orders])).toMatch(
      /^MQ_INVALID_OPTION Orders\.ship is for the queue 'orders', which no MqModule has/,
    )
    const twice = [1, 2].map(() => onMemory({ name: 'orders' }))
    const modules = [onMemory(), ...twice]
    expect(await refusal([Orders], { modules })).toMatch(/^MQ_INVALID_OPTION .* which 2 MqModules have/)
  })

  it('what the queue refuses, with the name of the method', async () => {
    class Orders {
      @OnMessage('order.paid', { group: 'no such name!' })
      ship() {}
    }
    const app = (listener: object) => compiled([listener], { modules: [onMemory()] })
    const withoutGroup = await errorOf((await app(Welcome)).init())
    expect(withoutGroup).toBeInstanceOf(TypeError)
    expect(withoutGroup).toMatchObject({ message: expect.stringMatching(/^Welcome\.greet: No group/) })
    expect(await errorOf((await app(Orders)).init())).toMatchObject({
      code: 'MQ_INVALID_NAME',
      message: expect.stringMatching(/^Orders\.ship: /),
      cause: expect.objectContaining({ code: 'MQ_INVALID_NAME' }),
    })
  })

  it('an option that is unknown, and an address that leads nowhere', async () => {
    const options = { address: memory(), gruop: 'x' } as never
    expect(await errorOf(compiled([], { modules: [MqModule.forRoot(options)] }))).toMatchObject({
      code: 'MQ_INVALID_OPTION',
      message: expect.stringContaining('gruop'),
    })
    expect(await errorOf(compiled([], { modules: [MqModule.forRoot({} as never)] }))).toBeInstanceOf(TypeError)
  })
})

describe('two methods may', () => {
  it('take the same topic in different groups, or as ephemeral subscriptions', async () => {
    const seen: string[] = []
    @Injectable()
    class Listener {
      @OnMessage(userCreated, { group: 'a' })
      a() {
        seen.push('a')
      }
      @OnMessage(userCreated, { group: 'b' })
      b() {
        seen.push('b')
      }
      @OnMessage(userCreated, { ephemeral: true })
      c() {
        seen.push('c')
      }
      @OnMessage(userCreated, { ephemeral: true })
      d() {
        seen.push('d')
      }
    }
    const { bench, queue } = await started([Listener])
    await queue.publish(userCreated, { email: 'ada@example.com' })
    await bench.settled()
    expect(seen.toSorted()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('take a task and watch it', async () => {
    const seen: string[] = []
    @Injectable()
    class Worker {
      @OnTask(sendMail)
      send(to: string) {
        seen.push(`sent to ${to}`)
      }
      @OnMessage(sendMail, { group: 'audit' })
      note(to: string) {
        seen.push(`noted ${to}`)
      }
    }
    const { bench, scheduler } = await started([Worker])
    await scheduler.enqueue(sendMail, 'ada')
    await bench.settled()
    expect(seen.toSorted()).toEqual(['noted ada', 'sent to ada'])
  })
})

describe('a decorator throws a TypeError', () => {
  const messageOf = (define: () => unknown): string => {
    try {
      define()
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError)
      return (error as Error).message
    }
    return 'nothing was thrown'
  }
  const decorate = (decorator: unknown, ...args: readonly unknown[]) =>
    messageOf(() => (decorator as (...args: readonly unknown[]) => void)(...args))
  const method = { value() {} }

  it('on what cannot be called for a message', () => {
    expect(decorate(OnMessage(userCreated), Welcome, 'greet', method)).toMatch(/Welcome\.greet is static/)
    expect(decorate(OnMessage(userCreated), {}, 'field', undefined)).toMatch(/Object\.field is none/)
    expect(decorate(OnTask(sendMail), {}, Symbol('x'), method)).toMatch(/Symbol\(x\) has a symbol/)
  })

  it('beside the other decorator', () => {
    class Both {
      @OnMessage(userCreated)
      both() {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(Both.prototype, 'both')
    expect(decorate(OnTask(sendMail), Both.prototype, 'both', descriptor)).toMatch(/^Both\.both has both/)
  })

  it('in a program that is compiled for the decorators of ECMAScript', () => {
    expect(decorate(OnMessage(userCreated), method.value, { kind: 'method', name: 'greet' })).toMatch(
      /^@OnMessage is a decorator of Nest: set "experimentalDecorators"/,
    )
  })

  it('without an event or a task, as circular imports leave it', () => {
    expect(messageOf(() => OnMessage(undefined as never))).toMatch(/^@OnMessage got undefined: if two files/)
    expect(messageOf(() => OnTask(undefined as never))).toMatch(/^@OnTask got undefined/)
  })
})
