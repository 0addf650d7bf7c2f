import { Unrecoverable } from '@mq/core'
import { memory } from '@mq/memory'
import { MqModule, OnMessage } from '@mq/nestjs'
import { Injectable, Logger } from '@nestjs/common'
import { expect, it, onTestFinished, vi } from 'vitest'
import { getQueueToken } from '../src/tokens.js'
import { compiled } from './support/applications.js'

it("the lines of a queue go to Nest's logger, with their fields and the stack of a failure", async () => {
  @Injectable()
  class Orders {
    @OnMessage('order.paid', { group: 'shipping' })
    ship(_data: never, { log }: { log: { info(message: string): void } }) {
      log.info('about to fail')
      throw new Unrecoverable('no such order')
    }
  }
  const app = await compiled([Orders], { modules: [MqModule.forRoot({ address: 'memory:', adapters: [memory] })] })
  const logger = { log: vi.fn(), warn: vi.fn(), error: vi.fn(), debug: vi.fn() }
  app.useLogger(logger)
  onTestFinished(async () => {
    await app.close()
    Logger.overrideLogger(false)
  })
  await app.init()
  await app.get(getQueueToken()).publish('order.paid', { order: 7 })
  await expect.poll(() => logger.error.mock.calls).toHaveLength(1)
  const info = logger.log.mock.calls.find(([line]) => String(line).startsWith('about to fail'))
  expect(info).toEqual([expect.stringMatching(/^about to fail \{.*"topic":"order\.paid"/), 'Mq'])
  const [line, stack, context] = logger.error.mock.calls[0] as readonly string[]
  expect(line).toMatch(/"topic":"order\.paid".*no such order/)
  expect(line).not.toContain('at Orders')
  expect(stack).toMatch(/Unrecoverable: no such order\n +at Orders\.ship/)
  expect(context).toBe('Mq')
})
