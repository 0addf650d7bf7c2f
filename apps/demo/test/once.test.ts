import { createQueue } from '@mq/core'
import { memory } from '@mq/memory'
import { expect, it, onTestFinished } from 'vitest'
import { userCreated } from '../src/events.js'
import { startWorker, type WorkerEvent } from '../src/worker.js'
import { mailboxFor, webhookFor } from './support.js'

it('sends one welcome to each user, however often the event of a user is published', async () => {
  const { mailbox } = await mailboxFor()
  const webhook = await webhookFor({ secret: 'secret' })
  const adapter = memory()
  const queue = createQueue(adapter)
  await queue.connect()
  onTestFinished(() => queue.disconnect())
  const settings = {
    smtpPort: mailbox.port,
    webhookUrl: webhook.url,
    webhookSecret: 'secret',
    brokerUrl: 'memory:',
    run: 'r',
  }
  const events: WorkerEvent[] = []
  const worker = await startWorker(queue, settings, (event) => events.push(event))
  onTestFinished(() => worker.stop())
  const user = { name: 'Ada', email: 'ada@example.com', country: 'GB' }
  for (const userId of ['1', '1', '2', '1']) await queue.publish(userCreated, { ...user, userId })
  await adapter.settled()
  expect(mailbox.mails()).toHaveLength(2)
  expect(events.filter((event) => event.type === 'completed' && event.task === 'send-email')).toHaveLength(2)
})
