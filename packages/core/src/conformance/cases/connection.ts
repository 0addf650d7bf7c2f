import assert from 'node:assert/strict'
import { withTimeout } from '../../adapter.js'
import type { Queue } from '../../index.js'
import type { Chapter } from '../kit/case.js'
import { assertWithout, rejection } from '../kit/expect.js'
import type { Kit } from '../kit/kit.js'
import { publishCall, rawMessage } from '../kit/raw.js'

const connectMs = 20_000

export const connection: Chapter = {
  name: 'connection',
  cases: [
    {
      id: 'CON-1',
      title: 'connect and disconnect may both be called twice',
      promises: [13],
      level: 'required',
      async run(kit) {
        const queue = kit.unconnected()
        await Promise.all([queue.connect(), queue.connect()])
        await queue.connect()
        assert.equal(queue.health().status, 'up')
        await Promise.all([queue.disconnect(), queue.disconnect()])
        await queue.disconnect()
        assert.equal(queue.health().status, 'down')
        const adapter = kit.adapter()
        await adapter.disconnect({ timeoutMs: 0 })
        await adapter.disconnect({ timeoutMs: 0 })
      },
    },
    {
      id: 'CON-2',
      title: 'after disconnect every call is refused with MQ_CLOSED',
      promises: [13],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const topic = kit.topic()
        await queue.disconnect()
        await rejection(queue.publish(topic, 1), 'MQ_CLOSED')
        await rejection(
          queue.subscribe(topic, () => {}),
          'MQ_CLOSED',
        )
        await rejection(queue.declareGroup(topic, 'g'), 'MQ_CLOSED')
        await rejection(queue.connect(), 'MQ_CLOSED')
      },
    },
    {
      id: 'CON-3',
      title: 'the adapter itself refuses to publish before connect and after disconnect',
      promises: [1],
      level: 'required',
      async run(kit) {
        const adapter = kit.adapter()
        const status = async (): Promise<string | undefined> => {
          const outcomes = await adapter.publish(kit.topic(), [rawMessage()], publishCall()).catch(() => undefined)
          return outcomes?.[0]?.status
        }
        assert.notEqual(await status(), 'stored', 'the status of a publish without a connection')
        await adapter.connect()
        assert.equal(await status(), 'stored')
        await adapter.disconnect({ timeoutMs: 1_000 })
        assert.notEqual(await status(), 'stored', 'the status of a publish after disconnect')
      },
    },
    {
      id: 'CON-4',
      title:
        'connecting to an unreachable broker is a clear error in time, without the password, and leaves nothing behind',
      promises: [11],
      level: 'required',
      needs: ['unreachable'],
      async run(kit) {
        const { options, secret } = kit.faults.unreachable()
        const queue = kit.unconnected({ adapter: options })
        const startedAt = Date.now()
        const error = await rejection(queue.connect(), 'MQ_CONNECT_FAILED', 'MQ_CONNECT_TIMEOUT')
        assert.ok(Date.now() - startedAt < connectMs, `connect took over ${connectMs} ms`)
        if (secret !== undefined) assertWithout(secret, error, queue, kit.logged)
        await rejection(queue.publish(kit.topic(), 1), 'MQ_NOT_CONNECTED')
        // A second call is allowed, and fails too.
        await rejection(queue.connect(), 'MQ_CONNECT_FAILED', 'MQ_CONNECT_TIMEOUT')
        await queue.disconnect()
      },
    },
    {
      id: 'CON-5',
      title: 'wrong credentials are MQ_AUTH_FAILED in time, and the password appears nowhere',
      promises: [11],
      level: 'required',
      needs: ['wrongCredentials'],
      async run(kit) {
        const { options, secret } = kit.faults.wrongCredentials()
        const queue = kit.unconnected({ adapter: options })
        const startedAt = Date.now()
        const error = await rejection(queue.connect(), 'MQ_AUTH_FAILED')
        assert.ok(Date.now() - startedAt < connectMs, `connect took over ${connectMs} ms`)
        assertWithout(secret, error, queue, queue.health(), kit.logged)
        await queue.disconnect()
      },
    },
    {
      id: 'CON-6',
      title: 'an untrusted certificate is MQ_TLS_FAILED',
      promises: [11],
      level: 'optional',
      needs: ['untrusted'],
      async run(kit) {
        const queue = kit.unconnected({ adapter: kit.faults.untrusted().options })
        await rejection(queue.connect(), 'MQ_TLS_FAILED')
        await queue.disconnect()
      },
    },
    {
      id: 'CON-7',
      title: 'connect succeeds when it is called again once the broker is reachable',
      promises: [10, 11],
      level: 'required',
      needs: ['refuse', 'heal'],
      alone: true,
      async run(kit) {
        const topic = kit.topic()
        await kit.faults.refuse()
        const queue = kit.unconnected()
        await rejection(queue.connect(), 'MQ_CONNECT_FAILED', 'MQ_CONNECT_TIMEOUT')
        await kit.faults.heal()
        await queue.connect()
        await roundTrip(kit, queue, topic)
      },
    },
    {
      id: 'CON-8',
      title: 'a failed connect and a disconnect leave no connection open',
      promises: [11, 13],
      level: 'required',
      needs: ['connections', 'wrongCredentials'],
      alone: true,
      async run(kit) {
        const before = await kit.faults.connections()
        for (let count = 0; count < 3; count++) {
          const refused = kit.unconnected({ adapter: kit.faults.wrongCredentials().options })
          await rejection(refused.connect(), 'MQ_AUTH_FAILED')
          const queue = await kit.queue()
          await roundTrip(kit, queue, kit.topic(String(count)))
          await queue.disconnect()
        }
        let now = 0
        const what = () => `the connections to be ${before}, as before; there are ${now}`
        await kit.until(what, async () => {
          now = await kit.faults.connections()
          return now <= before
        })
      },
    },
    {
      id: 'CON-9',
      title: 'two queues are independent: disconnecting one leaves the other alone',
      promises: [13],
      level: 'required',
      async run(kit) {
        const [first, second] = [await kit.queue(), await kit.queue()]
        await roundTrip(kit, first, kit.topic('first'))
        await first.disconnect()
        await roundTrip(kit, second, kit.topic('second'))
        assert.equal(second.health().status, 'up')
      },
    },
    {
      id: 'CON-10',
      title: 'connecting to a broker that accepts and stays silent is a clear error in time; a later connect succeeds',
      promises: [11],
      level: 'required',
      needs: ['freeze', 'heal'],
      alone: true,
      timeoutMs: 60_000,
      async run(kit) {
        const queue = kit.unconnected()
        await kit.faults.freeze('both')
        const connecting = withTimeout(queue.connect(), connectMs, () => new Error(`connect took over ${connectMs} ms`))
        await rejection(connecting, 'MQ_CONNECT_FAILED', 'MQ_CONNECT_TIMEOUT')
        await kit.faults.heal()
        await queue.connect()
        await roundTrip(kit, queue, kit.topic())
      },
    },
  ],
}

/** Publishes a message and waits until it is handled. */
async function roundTrip(kit: Kit, queue: Queue, topic: string): Promise<void> {
  const collector = await kit.collect(queue, topic)
  const { id } = await queue.publish(topic, 'there and back')
  await kit.until('the message to be handled', () => collector.ids.includes(id))
  await collector.subscription.stop()
}
