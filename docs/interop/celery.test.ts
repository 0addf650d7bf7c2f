import { createScheduler, defineTask, openQueue } from '@mq/core'
import { brokers, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { build, start } from '../test/program.js'
import { runClient } from './python.js'

beforeAll(() => build('coming-from'))

/** The databases of Redis are others than those of the tests of pages. */
const urlOf = async (broker: 'redis' | 'rabbitmq'): Promise<string> =>
  broker === 'redis' ? new URL('/7', (await shared(broker)).url).href : (await shared(broker)).url

describe.each(['redis', 'rabbitmq'] as const)('%s', (broker) => {
  it.skipIf(!brokers.wanted(broker))(
    'the program of docs/from-celery.md moves what Celery has enqueued',
    async () => {
      const url = await urlOf(broker)
      await runClient('celery_client.py', [url, '20']).ended
      const program = start('coming-from', { OLD_URL: url, MQ_URL: url }, `celery-${broker}`)
      const queue = await openQueue(url)
      onTestFinished(() => queue.disconnect())
      const scheduler = createScheduler(queue)
      const inputs: unknown[] = []
      const task = defineTask({ name: 'send-welcome', execute: (input: unknown) => void inputs.push(input) })
      await scheduler.register(task)
      await scheduler.start()
      await expect.poll(() => inputs.length, { timeout: 30_000 }).toBe(21)
      expect(inputs).toContainEqual({ to: 'user-7@example.com', text: 'hi' })
      expect(inputs).toContainEqual({ to: 'user-20@example.com', text: '' })
      // The one for Redis ends by itself when the list is empty.
      if (broker === 'rabbitmq') program.kill('SIGTERM')
      expect((await program.ended).code, program.output()).toBe(0)
    },
    90_000,
  )
})
