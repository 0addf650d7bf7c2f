import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createQueue, type Queue, type QueueOptions } from '@mq/core'
import { type MemoryOptions, memory } from '@mq/memory'
import { onTestFinished } from 'vitest'
import { createPage, type PageOptions } from '../../src/index.js'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** A page that is served, and a browser without windows that keeps its cookie. */
export interface Site {
  readonly url: string
  readonly queue: Queue
  readonly get: (path: string, init?: RequestInit) => Promise<Answer>
  /** Sends a form as this page makes them. A field with several values is a list. */
  readonly post: (path: string, fields: Fields, init?: RequestInit) => Promise<Answer>
  /** The cookie and the token of the forms. */
  readonly form: () => Promise<{ readonly cookie: string; readonly token: string }>
}

export type Fields = Readonly<Record<string, string | readonly string[]>>

const quiet = (): void => {}
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet }

export const everything = {
  replay: true,
  edit: true,
  purge: true,
  pause: true,
  remove: true,
  runNow: true,
  cancel: true,
}

/** Opens a queue in this process. */
export async function openQueue(options: QueueOptions = {}, memoryOptions: MemoryOptions = {}): Promise<Queue> {
  const queue = createQueue(memory(memoryOptions), { log: silent, retry: false, ...options })
  await queue.connect()
  onTestFinished(() => queue.disconnect({ timeoutMs: 100 }))
  return queue
}

/** Serves the page of a queue. */
export async function open(options: PageOptions = {}, given?: Queue): Promise<Site> {
  const queue = given ?? (await openQueue())
  const page = createPage(queue, options)
  const server = createServer(page)
  const url = `${await listen(server)}${options.base ?? ''}`
  onTestFinished(() => page.close())
  return siteAt(url, queue)
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Visits a page that is served at a URL. */
export function siteAt(url: string, queue: Queue): Site {
  const get: Site['get'] = async (path, init = {}) => {
    const response = await fetch(`${url}${path}`, { redirect: 'manual', ...init })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const form: Site['form'] = async () => {
    const response = await fetch(`${url}/ask?topic=t&group=g`, { redirect: 'manual' })
    const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';')
    const [, token = ''] = /name="token" value="([^"]+)"/.exec(await response.text()) ?? []
    return { cookie, token }
  }
  const post: Site['post'] = async (path, fields, init = {}) => {
    const { cookie, token } = await form()
    const body = new URLSearchParams({ token })
    for (const [name, values] of Object.entries(fields)) for (const value of [values].flat()) body.append(name, value)
    return get(path, { method: 'POST', body, headers: { cookie, origin: new URL(url).origin }, ...init })
  }
  return { url, queue, get, post, form }
}

/** Lets each of the data become a dead letter, in their order. */
export async function die(
  queue: Queue,
  data: readonly unknown[],
  { topic = 't', group = 'g', error = new Error('no way') }: { topic?: string; group?: string; error?: Error } = {},
): Promise<void> {
  const subscription = await queue.subscribe(
    topic,
    () => {
      throw error
    },
    { group, concurrency: 200 },
  )
  const before = (await queue.stats(topic, group)).dead ?? 0
  for (const one of data) await queue.publish(topic, one)
  await until(async () => (await queue.stats(topic, group)).dead === before + data.length)
  await subscription.stop()
}

/** Resolves once the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + 20_000
  while (!(await condition())) {
    if (performance.now() > endsAt) throw new Error('It did not come to that within 20 s')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** The names of the entries of a list, as the page has them. */
export const entriesOf = (html: string): readonly string[] =>
  [...html.matchAll(/name="entry" value="([^"]+)"/g)].map(([, id = '']) => id)
