import { createQueue, type Message } from '@mq/core'
import { memory } from '@mq/memory'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createWeb } from '../src/web.js'

const ada = { name: 'Ada', email: 'ada@example.com', country: 'GB' }

async function webFor() {
  const adapter = memory()
  const queue = createQueue(adapter)
  await queue.connect()
  const published: Message[] = []
  await queue.subscribe('user.created', (message) => void published.push(message), { group: 'test' })
  const web = createWeb(queue)
  onTestFinished(async () => {
    await web.close()
    await queue.disconnect()
  })
  const url = await web.listen({ host: '127.0.0.1', port: 0 })
  const post = (body: string, type = 'application/json') =>
    fetch(`${url}/users`, { method: 'POST', body, headers: { 'content-type': type } })
  return { adapter, queue, published, post, url }
}

describe('POST /users', () => {
  it('answers 202 with the id of the user and publishes user.created', async () => {
    const { adapter, published, post } = await webFor()
    const response = await post(JSON.stringify({ ...ada, name: ' Ada ' }))
    expect(response.status).toBe(202)
    const { id, eventId } = (await response.json()) as { id: string; eventId: string }
    await adapter.settled()
    expect(published).toMatchObject([{ id: eventId, topic: 'user.created', data: { ...ada, userId: id } }])
  })

  it('gives each user another id', async () => {
    const { post } = await webFor()
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(JSON.stringify(ada))))
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as { id: string }).id))
    expect(new Set(ids).size).toBe(20)
  })

  it.each([
    ['an address without @', { ...ada, email: 'ada.example.com' }, 'email: Invalid email address'],
    ['an address without a domain', { ...ada, email: 'ada@' }, 'email: Invalid email address'],
    ['an address with a space', { ...ada, email: 'ada l@example.com' }, 'email: Invalid email address'],
    ['two addresses', { ...ada, email: 'ada@example.com, bob@example.com' }, 'email: Invalid email address'],
    ['an address with a line break', { ...ada, email: 'ada@example.com\r\nBcc: bob@example.com' }, 'email: Invalid'],
    ['an address of 300 characters', { ...ada, email: `${'a'.repeat(300)}@example.com` }, 'email: '],
    ['no address', { name: 'Ada', country: 'GB' }, 'email: Invalid input: expected string, received undefined'],
    ['an address that is a number', { ...ada, email: 42 }, 'email: Invalid input: expected string, received number'],
    ['an empty name', { ...ada, name: '  ' }, 'name: Too small'],
    ['a country in full', { ...ada, country: 'Britain' }, 'country: must be two capital letters'],
    ['several mistakes', { name: 'Ada' }, '; country: '],
    ['an array', [ada], 'Invalid input: expected object, received array'],
    ['null', null, 'Invalid input: expected object, received null'],
  ])('refuses %s with 400 and the reason', async (_what, body, reason) => {
    const { adapter, published, post } = await webFor()
    const response = await post(JSON.stringify(body))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'Bad Request', message: expect.stringContaining(reason) })
    await adapter.settled()
    expect(published).toEqual([])
  })

  it.each([
    ['broken JSON', '{"name":', 'application/json', /not valid JSON/],
    ['an empty body', '', 'application/json', /empty/],
    ['plain text', 'ada@example.com', 'text/plain', /expected object, received string/],
  ])('refuses %s with 400 and the reason', async (_what, body, type, reason) => {
    const { adapter, published, post } = await webFor()
    const response = await post(body, type)
    expect(response.status).toBe(400)
    expect(((await response.json()) as { message: string }).message).toMatch(reason)
    await adapter.settled()
    expect(published).toEqual([])
  })

  it('answers 503, and not 202, when the event cannot be stored', async () => {
    const { queue, post, url } = await webFor()
    expect((await fetch(`${url}/health`)).status).toBe(200)
    await queue.disconnect()
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    const response = await post(JSON.stringify(ada))
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ message: expect.stringContaining('try again later') })
    expect(logged).toHaveBeenCalledWith(expect.stringContaining('was not published'))
    logged.mockRestore()
    expect((await fetch(`${url}/health`)).status).toBe(503)
  })
})
