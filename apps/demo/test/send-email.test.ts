import { createQueue, createScheduler, isUnrecoverable, type SettledEvent } from '@mq/core'
import { memory } from '@mq/memory'
import PostalMime from 'postal-mime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { messageIdOf, SendEmailTask } from '../src/tasks/send-email.js'
import { contextOf, mailboxFor, mailerTo, silentServer } from './support.js'

const from = 'Welcome <welcome@example.com>'
const ada = { userId: '42', email: 'ada@example.com' }

describe('SendEmailTask', () => {
  it('delivers the welcome mail by SMTP and says whom it reached', async () => {
    const { mailbox, mailer } = await mailboxFor()
    const result = await new SendEmailTask(mailer, { from }).execute(ada, contextOf({ id: 'event-7/send-email' }))
    expect(result).toEqual({ status: 'success', email: 'ada@example.com' })
    const [mail, ...others] = mailbox.mails()
    expect(others).toEqual([])
    expect(mail?.to).toBe('ada@example.com')
    const parsed = await PostalMime.parse(mail?.raw ?? '')
    expect(parsed.subject).toBe('Welcome to our platform')
    expect(parsed.text?.trimEnd()).toBe('Hello, thank you for registering with us! Your user ID is 42.')
    expect(parsed.from?.address).toBe('welcome@example.com')
    expect(parsed.to?.map(({ address }) => address)).toEqual(['ada@example.com'])
    expect(parsed.messageId).toBe('<event-7/send-email@welcome.example.com>')
  })

  it('gives up at once on a 5xx reply, with the reply as the reason', async () => {
    const { mailer } = await mailboxFor({ bounces: ['ada@example.com'] })
    const error = await new SendEmailTask(mailer, { from }).execute(ada, contextOf()).catch((thrown) => thrown)
    expect(isUnrecoverable(error)).toBe(true)
    expect(error.message).toBe('550 5.1.1 There is no such mailbox')
  })

  it('asks for a retry on a 4xx reply', async () => {
    const { mailer } = await mailboxFor({ failsTwice: ['ada@example.com'] })
    const error = await new SendEmailTask(mailer, { from }).execute(ada, contextOf()).catch((thrown) => thrown)
    expect(isUnrecoverable(error)).toBe(false)
    expect(error.message).toBe('451 4.3.0 The mailbox is busy, try again later')
  })

  it('asks for a retry when no mail server is there', async () => {
    const { mailbox, mailer } = await mailboxFor()
    await mailbox.close()
    const error = await new SendEmailTask(mailer, { from }).execute(ada, contextOf()).catch((thrown) => thrown)
    expect(isUnrecoverable(error)).toBe(false)
    expect(error.code).toBe('ESOCKET')
  })

  it('hangs up on a mail server that says nothing when the signal aborts', async () => {
    const server = await silentServer()
    const controller = new AbortController()
    const running = new SendEmailTask(mailerTo(server.port), { from }).execute(
      ada,
      contextOf({ signal: controller.signal }),
    )
    await server.connected()
    controller.abort()
    await expect(running).rejects.toThrow('aborted')
    await server.hungUp()
  })

  it('sends the same Message-ID again when the task runs again, and the mailbox keeps one mail', async () => {
    const { mailbox, mailer } = await mailboxFor()
    const task = new SendEmailTask(mailer, { from })
    await task.execute(ada, contextOf({ id: 'event-1/send-email' }))
    await task.execute(ada, contextOf({ id: 'event-1/send-email' }))
    await task.execute(ada, contextOf({ id: 'event-2/send-email' }))
    expect(mailbox.mails().map(({ messageId }) => messageId)).toEqual([
      '<event-1/send-email@welcome.example.com>',
      '<event-2/send-email@welcome.example.com>',
    ])
    expect(mailbox.duplicates()).toBe(1)
  })

  it('makes a Message-ID of any task id', () => {
    expect(messageIdOf('a.b/c')).toBe('<a.b/c@welcome.example.com>')
    expect(messageIdOf('a>b\r\nBcc: c')).toMatch(/^<[0-9a-f]+@welcome\.example\.com>$/)
    expect(messageIdOf('a..b')).toMatch(/^<[0-9a-f]+@/)
  })

  it('is tried again through a queue until the mailbox accepts, and only once if it bounces', async () => {
    const { mailbox, mailer } = await mailboxFor({ failsTwice: ['ada@example.com'], bounces: ['bob@example.com'] })
    const adapter = memory()
    const queue = createQueue(adapter)
    await queue.connect()
    onTestFinished(() => queue.disconnect())
    const runs: SettledEvent[] = []
    queue.on('settled', (event) => runs.push(event))
    const scheduler = createScheduler(queue)
    const task = new SendEmailTask(mailer, { from, retry: { delayMs: 1, jitter: 'none' } })
    await scheduler.register(task)
    await scheduler.start()
    await scheduler.enqueue(task, ada, { id: 'ada' })
    await scheduler.enqueue(task, { userId: '43', email: 'bob@example.com' }, { id: 'bob' })
    await adapter.settled()
    const outcomesOf = (id: string) => runs.filter((run) => run.id === id).map(({ settlement }) => settlement)
    expect(outcomesOf('ada')).toEqual(['retry', 'retry', 'done'])
    expect(outcomesOf('bob')).toEqual(['dead'])
    expect(mailbox.mails().map(({ to }) => to)).toEqual(['ada@example.com'])
    const [deadLetter] = await queue.deadLetters('task.send-email', 'workers').list()
    expect(deadLetter?.failure).toMatchObject({
      reason: 'unrecoverable',
      attempts: 1,
      error: { message: '550 5.1.1 There is no such mailbox' },
    })
  })
})
