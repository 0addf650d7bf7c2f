import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isUnrecoverable } from '@mq/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { distrust, signatureOf } from '../src/signature.js'
import { NotificationTask } from '../src/tasks/notification.js'
import { contextOf, silentServer, webhookFor } from './support.js'

const secret = 'a secret of the two sides'
const ada = { userId: '42', email: 'ada@example.com' }

async function serverOf(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const failureWith = (status: number, headers: Record<string, string> = {}) =>
  serverOf((_request, response) => response.writeHead(status, headers).end('no')).then((url) =>
    new NotificationTask({ url, secret }).execute(ada, contextOf()).catch((error) => error),
  )

describe('NotificationTask', () => {
  it('notifies the webhook of the user, and the webhook trusts the signature', async () => {
    const webhook = await webhookFor({ secret })
    const result = await new NotificationTask({ url: webhook.url, secret }).execute(ada, contextOf({ id: 'event-1/n' }))
    expect(result).toEqual({ status: 'success', code: 204 })
    const body = webhook.received().get('event-1/n') ?? ''
    expect(JSON.parse(body)).toEqual({ type: 'user.created', data: ada })
  })

  it('is not trusted with another secret, and does not try again', async () => {
    const webhook = await webhookFor({ secret: 'another secret' })
    const error = await new NotificationTask({ url: webhook.url, secret }).execute(ada, contextOf()).catch((e) => e)
    expect(isUnrecoverable(error)).toBe(true)
    expect(error.message).toBe('The webhook answered 401 Unauthorized')
    expect([webhook.received().size, webhook.distrusted()]).toEqual([0, 1])
  })

  it('carries the id of its task, so that a webhook keeps one of two', async () => {
    const webhook = await webhookFor({ secret })
    const task = new NotificationTask({ url: webhook.url, secret })
    await task.execute(ada, contextOf({ id: 'event-1/n' }))
    await task.execute(ada, contextOf({ id: 'event-1/n' }))
    expect([webhook.received().size, webhook.duplicates()]).toEqual([1, 1])
  })

  it.each([500, 502, 503, 504, 408, 425, 429])('asks for a retry when the answer is %i', async (status) => {
    const error = await failureWith(status)
    expect(error).toBeInstanceOf(Error)
    expect(isUnrecoverable(error)).toBe(false)
    expect(error.message).toContain(`answered ${status}`)
  })

  it.each([400, 401, 403, 404, 410, 422])('gives up when the answer is %i', async (status) => {
    const error = await failureWith(status)
    expect(isUnrecoverable(error)).toBe(true)
    expect(error.message).toContain(`answered ${status}`)
  })

  it('does not carry the data to where a redirect points', async () => {
    const webhook = await webhookFor({ secret })
    const error = await failureWith(307, { location: webhook.url })
    expect(isUnrecoverable(error)).toBe(true)
    expect(webhook.received().size).toBe(0)
  })

  it('asks for a retry when there is no server', async () => {
    const webhook = await webhookFor({ secret })
    await webhook.close()
    const error = await new NotificationTask({ url: webhook.url, secret }).execute(ada, contextOf()).catch((e) => e)
    expect(error).toBeInstanceOf(Error)
    expect(isUnrecoverable(error)).toBe(false)
  })

  it('hangs up on a webhook that does not answer when the signal aborts', async () => {
    const server = await silentServer()
    const controller = new AbortController()
    const task = new NotificationTask({ url: `http://127.0.0.1:${server.port}/`, secret })
    const running = task.execute(ada, contextOf({ signal: controller.signal }))
    await server.connected()
    controller.abort()
    await expect(running).rejects.toThrow('aborted')
    await server.hungUp()
  })
})

describe('a signature', () => {
  const now = 1_700_000_000_000
  const signed = { id: 'a', timestamp: '1700000000', body: '{}', secret }

  it('is what the Standard Webhooks page says', () => {
    // echo -n 'a.1700000000.{}' | openssl dgst -sha256 -hmac 'a secret of the two sides' -binary | base64
    expect(signatureOf(signed)).toBe('v1,OWCN1AWmso7jRIqk/lXAlmGBKGIotvSIhLQ6mJxMt4Y=')
  })

  it.each([
    ['id', { ...signed, id: 'b' }],
    ['timestamp', { ...signed, timestamp: '1700000001' }],
    ['body', { ...signed, body: '{ }' }],
    ['secret', { ...signed, secret: 'another' }],
  ])('does not fit another %s', (_what, changed) => {
    expect(distrust(changed, signatureOf(signed), now)).toBe('The signature does not match')
  })

  it('is trusted for five minutes', () => {
    expect(distrust(signed, signatureOf(signed), now)).toBeUndefined()
    expect(distrust(signed, signatureOf(signed), now + 299_000)).toBeUndefined()
    expect(distrust(signed, signatureOf(signed), now + 301_000)).toContain('too old')
    expect(distrust(signed, signatureOf(signed), now - 301_000)).toContain('future')
  })

  it('of nonsense is not trusted', () => {
    const odd = { ...signed, timestamp: 'soon' }
    expect(distrust(odd, signatureOf(odd), now)).toContain('timestamp')
    expect(distrust(signed, '', now)).toBe('The signature does not match')
  })
})
