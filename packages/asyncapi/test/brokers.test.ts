import { randomUUID } from 'node:crypto'
import { createQueue, createScheduler, defineEvent, defineTask } from '@mq/core'
import { kafka } from '@mq/kafka'
import { rabbitmq } from '@mq/rabbitmq'
import { redis } from '@mq/redis'
import { brokers, shared, until } from '@mq/test-brokers'
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { type AsyncapiDocument, asyncapi } from '../src/index.js'
import { atBroker, type Raw } from './support/at-broker.js'

const adapters = {
  redis: (url: string) => redis({ url }),
  rabbitmq: (url: string) => rabbitmq({ url }),
  kafka: (url: string) => kafka({ url, partitions: 1 }),
} as const
const kinds = Object.keys(adapters) as readonly (keyof typeof adapters)[]

const write = (): void => {}
const log = { debug: write, info: write, warn: write, error: write }

/** Compiles a schema of a document, which may refer to others in it. */
function schemaOf({ components }: AsyncapiDocument, name: string): ValidateFunction {
  const ajv = new Ajv({ strict: false })
  formats.default(ajv)
  return ajv.compile({ components, allOf: [{ $ref: `#/components/schemas/${name}` }] })
}

function expectDescribed(document: AsyncapiDocument, raw: Raw | undefined, [headers, payload]: [string, string]): void {
  const [isHeaders, isPayload] = [schemaOf(document, headers), schemaOf(document, payload)]
  isHeaders(raw?.headers)
  expect({ errors: isHeaders.errors, headers: raw?.headers }).toMatchObject({ errors: null })
  isPayload(raw?.payload)
  expect({ errors: isPayload.errors, payload: raw?.payload }).toMatchObject({ errors: null })
}

describe.each(kinds)('a document on %s', (kind) => {
  let url: string
  beforeAll(async () => {
    if (brokers.wanted(kind)) url = (await shared(kind)).url
  })

  it.skipIf(!brokers.wanted(kind))('describes what a client of the broker finds there', async () => {
    const queue = createQueue(adapters[kind](url), { log })
    onTestFinished(() => queue.disconnect({ timeoutMs: 1_000 }))
    await queue.connect()
    const name = `a_${randomUUID()}`
    const event = defineEvent(name, { schema: z.object({ id: z.string(), at: z.iso.date() }) })
    const task = defineTask({
      name,
      input: z.object({ n: z.number() }),
      execute: ({ n }, { progress }) => {
        progress(0.5, 'half')
        return { double: 2 * n }
      },
    })
    const document = asyncapi({
      title: 't',
      version: '1',
      brokers: [kind],
      events: [{ event, groups: ['mailer'] }],
      tasks: [{ task, result: z.object({ double: z.number() }) }],
    })
    const { channels, operations } = document
    const placeOf = (channel: string, operation: string) => ({
      channel: channels[channel] ?? {},
      group: operations[operation] ?? {},
    })

    await queue.declareGroup(event, 'mailer')
    const scheduler = createScheduler(queue)
    onTestFinished(() => scheduler.stop({ timeoutMs: 0 }))
    await scheduler.register(task)
    await scheduler.start()
    const there = await atBroker[kind](url)
    const published = await there.listen(placeOf(name, `subscribe--${name}--mailer`))
    const enqueued = await there.listen(placeOf(`task.${name}`, `run--${name}`))
    await queue.publish(event, { id: '7', at: '2026-01-02' }, { key: 'k', headers: { tenant: 'acme' } })
    const handle = await scheduler.enqueue(task, { n: 4 }, { reply: true, expiresAfterMs: 60_000 })
    const replied = await there.listen(placeOf('task-replies', ''))
    const again = await scheduler.enqueue(task, { n: 5 }, { reply: true })
    for (const each of [handle, again]) await each.result({ timeoutMs: 30_000 })

    const isReply = ({ payload }: Raw): boolean => (payload as { id?: unknown }).id === again.id
    const found: { event?: Raw | undefined; task?: Raw | undefined; reply?: Raw | undefined } = {}
    await until(
      async () => {
        found.event = (await published())[0]
        found.task = (await enqueued())[0]
        found.reply = (await replied()).find(isReply)
        return Object.values(found).every((raw) => raw !== undefined)
      },
      { what: 'a message of each kind', timeoutMs: 30_000 },
    )
    expectDescribed(document, found.event, [`headers--${kind}--event`, name])
    expectDescribed(document, found.task, [`headers--${kind}--task`, `task.${name}`])
    expectDescribed(document, found.reply, [`headers--${kind}--reply`, `reply--${name}`])
    expect(await there.hasGroup(placeOf(name, `subscribe--${name}--mailer`))).toBe(true)
    expect(await there.hasGroup(placeOf(`task.${name}`, `run--${name}`))).toBe(true)
  })
})
