import { openQueue, type Queue, type QueueAddress } from '@mq/core'
import { createInbox, createOutbox, type Outbox } from '@mq/postgres'
import { type BrokerProxy, brokers, child, type PostgresServer, proxy, shared, until } from '@mq/test-brokers'
import fc from 'fast-check'
import { Pool } from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { newSchema, newTopic } from './support/open.js'
import { begun } from './support/transaction.js'

const program = new URL('./children/relay.ts', import.meta.url)
const count = 30
const ids = Array.from({ length: count }, (_, index) => `${index}`)
/** Three keys, so that the order of each can be seen. */
const keyOf = (id: string): string => `k${Number(id) % 3}`

describe.skipIf(!brokers.wanted('postgres'))('a relay', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await shared('postgres')
  })

  async function openOutbox(schema = newSchema()): Promise<Outbox> {
    const outbox = createOutbox({ url: server.url, schema, pollMs: 200 })
    await outbox.connect()
    onTestFinished(() => outbox.disconnect({ timeoutMs: 0 }))
    return outbox
  }

  async function write(outbox: Outbox, topic: string, some: readonly string[] = ids): Promise<void> {
    const transaction = await begun(server)
    await outbox.publishAll(transaction, topic, some, { id: String, key: (id) => keyOf(String(id)) })
    await transaction.query('COMMIT')
  }

  describe.each(['redis', 'rabbitmq', 'kafka'] as const)('before %s', (kind) => {
    const isWanted = brokers.wanted(kind)
    beforeAll(async () => {
      if (isWanted) await shared(kind)
    })

    /** A queue, what has come to it, and what an inbox has let pass. */
    async function behind(address: QueueAddress, topic: string, schema: string) {
      const queue = await openQueue(address, { group: 'g', publishTimeoutMs: 2_000 })
      onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
      const inbox = createInbox({ url: server.url, schema, consumer: 'g' })
      await inbox.connect()
      const pool = new Pool({ connectionString: server.url })
      onTestFinished(() => pool.end())
      const [came, effects] = [[] as string[], [] as string[]]
      await queue.subscribe(
        topic,
        async (message) => {
          came.push(message.id)
          const client = await pool.connect()
          try {
            await client.query('BEGIN')
            await inbox.once(message, client, () => effects.push(message.id))
            await client.query('COMMIT')
          } finally {
            client.release()
          }
        },
        { ordered: true },
      )
      return { queue, came, effects }
    }

    const inOrder = (some: readonly string[]): void => {
      for (const key of ['k0', 'k1', 'k2']) {
        const first = [...new Set(some)].filter((id) => keyOf(id) === key)
        expect(first).toEqual(ids.filter((id) => keyOf(id) === key))
      }
    }

    it.skipIf(!isWanted).each(['connected', 'read', 'stored'])(
      'that is killed once it has %s loses nothing, and another goes on; through the inbox each has its effect once',
      async (last) => {
        const address = { type: kind, url: (await shared(kind)).url } as QueueAddress
        const [topic, schema] = [newTopic(), newSchema()]
        const outbox = await openOutbox(schema)
        const { queue, came, effects } = await behind(address, topic, schema)
        await write(outbox, topic)
        const first = await child<string>(program, { args: [server.url, schema, JSON.stringify(address), last] })
        await first.waitFor((steps) => steps.includes(last), { what: last })
        await first.kill()
        const killedAt = performance.now()
        await outbox.relay(queue)
        await until(() => new Set(came).size === count, { what: 'all messages' })
        expect(performance.now() - killedAt).toBeLessThan(7_000)
        await until(async () => (await outbox.stats()).waiting === 0, { what: 'an empty outbox' })
        await until(() => effects.length === count, { what: 'all effects' })
        inOrder(came)
        inOrder(effects)
        expect(effects).toHaveLength(count)
        const repeats = came.length - count
        if (last !== 'stored') expect(repeats).toBe(0)
        else if (queue.capabilities.publishDedupeMs > 0) expect(repeats).toBe(0)
      },
      60_000,
    )

    const troubles = {
      'cannot be reached': async (link: BrokerProxy) => {
        await link.refuse()
        await link.cut()
      },
      // What it was sent is lost with the connection, and nobody knows that.
      'stays silent': (link: BrokerProxy) => link.freeze('both'),
    }

    it.skipIf(!isWanted).each(Object.entries(troubles))(
      'keeps what it sends to a broker that %s, and sends it in order afterwards',
      async (_, disturb) => {
        const link = await proxy(await shared(kind))
        onTestFinished(() => link.close())
        const [topic, schema] = [newTopic(), newSchema()]
        const outbox = await openOutbox(schema)
        const direct = { type: kind, url: (await shared(kind)).url } as QueueAddress
        const { effects } = await behind(direct, topic, schema)
        const sender: Queue = await openQueue({ type: kind, url: link.url } as QueueAddress, { log: quiet })
        onTestFinished(() => sender.disconnect({ timeoutMs: 0 }))
        const relay = await outbox.relay(sender, { publishTimeoutMs: 1_000 })
        await disturb(link)
        await write(outbox, topic, ids.slice(0, 10))
        await until(() => relay.status === 'failing', { what: 'the failure to be noticed' })
        await write(outbox, topic, ids.slice(10))
        expect((await outbox.stats()).waiting).toBe(count)
        expect((await outbox.stats()).dead).toBe(0)
        await link.cut()
        await link.heal()
        await until(() => effects.length === count, { what: 'all messages', timeoutMs: 40_000 })
        inOrder(effects)
        expect(await outbox.stats()).toMatchObject({ dead: 0 })
        await until(() => relay.status === 'sending', { what: 'the relay to be well' })
      },
      90_000,
    )
  })

  it.skipIf(!brokers.wanted('redis'))(
    'that stands still loses its turn, and what it sends late has the same ids',
    async () => {
      const address = { type: 'redis', url: (await shared('redis')).url } as const
      const [topic, schema] = [newTopic(), newSchema()]
      const outbox = await openOutbox(schema)
      const queue = await openQueue(address, { group: 'g' })
      onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
      const came: string[] = []
      await queue.subscribe(topic, ({ id }) => void came.push(id))
      const first = await child<string>(program, { args: [server.url, schema, JSON.stringify(address), 'never'] })
      await first.waitFor((steps) => steps.includes('relaying'), { what: 'the relay' })
      await first.pause()
      await write(outbox, topic)
      await outbox.relay(queue)
      await until(() => came.length === count, { what: 'all messages', timeoutMs: 8_000 })
      first.resume()
      await write(outbox, topic, ['30', '31', '32'])
      await until(() => came.length === count + 3, { what: 'the later messages', timeoutMs: 8_000 })
      await first.kill()
      expect(new Set(came).size).toBe(count + 3)
    },
    60_000,
  )

  /** One transaction: how many messages of which key it writes, and how it ends. */
  const transactions = fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b'),
      size: fc.integer({ min: 1, max: 5 }),
      end: fc.constantFrom('COMMIT' as const, 'COMMIT' as const, 'ROLLBACK' as const),
      relay: fc.constantFrom('stop' as const, 'start' as const, 'stay' as const),
    }),
    { minLength: 1, maxLength: 12 },
  )

  it.skipIf(!brokers.wanted('redis'))(
    'sends what was committed, in the order of each key and once, however transactions and relays come and go',
    async () => {
      const queue = await openQueue({ type: 'redis', url: (await shared('redis')).url }, { group: 'g' })
      onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
      const outbox = await openOutbox()
      const play = async (
        steps: readonly { key: string; size: number; end: string; relay: string }[],
      ): Promise<void> => {
        const topic = newTopic()
        const came: { readonly key: string | undefined; readonly data: unknown }[] = []
        const subscription = await queue.subscribe(topic, ({ key, data }) => void came.push({ key, data }), {
          ordered: true,
        })
        let relay = await outbox.relay(queue, { batchSize: 3 })
        const expected: { readonly key: string; readonly data: number }[] = []
        let next = 0
        for (const { key, size, end, relay: change } of steps) {
          if (change === 'stop') await relay.stop()
          if (change === 'start') relay = await outbox.relay(queue, { batchSize: 2 })
          const transaction = await begun(server)
          for (let number = 0; number < size; number++) {
            const data = next++
            await outbox.publish(transaction, topic, data, { key })
            if (end === 'COMMIT') expected.push({ key, data })
          }
          await transaction.query(end)
        }
        await relay.stop()
        const last = await outbox.relay(queue)
        await until(() => came.length >= expected.length, { what: 'what was committed' })
        await until(async () => (await outbox.stats()).waiting === 0, { what: 'an empty outbox' })
        await last.stop()
        await subscription.stop()
        for (const key of ['a', 'b']) {
          expect(came.filter((one) => one.key === key)).toEqual(expected.filter((one) => one.key === key))
        }
      }
      await fc.assert(fc.asyncProperty(transactions, play), { numRuns: 8, endOnFailure: true })
    },
    120_000,
  )
})

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
