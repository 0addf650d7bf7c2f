import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProxy, proxy, type Server, until, within } from '../../src/index.js'
import type { Conversation, Driver } from '../drivers/driver.js'

/** The time in which an answer over the loopback interface arrives, if there is one. */
export const quietMs = 300

export const settles = async (promise: Promise<unknown>, timeoutMs: number): Promise<boolean> =>
  await within(
    promise.then(
      () => true,
      () => true,
    ),
    { what: 'it to settle', timeoutMs },
  ).catch(() => false)

/** Tests every verb of a proxy, on a broker that other files share. */
export function proxySuite<S extends Server>(parts: {
  server: () => Promise<S>
  driver: (server: S) => Promise<Driver>
}) {
  let driver: Driver
  let link: BrokerProxy
  const conversations: Conversation[] = []

  const open = async (): Promise<Conversation> => {
    const conversation = await driver.open(link)
    conversations.push(conversation)
    // Drivers look things up before their first write, so that happens here.
    await conversation.write('warm-up')
    return conversation
  }

  beforeAll(async () => {
    const server = await parts.server()
    driver = await parts.driver(server)
    link = await proxy(server)
  })
  afterEach(async () => {
    await link.heal()
    await link.cut()
    await Promise.all(conversations.splice(0).map((conversation) => conversation.close().catch(() => undefined)))
  })
  afterAll(async () => {
    await link?.close()
    await driver?.close()
  })

  describe('a proxy', () => {
    it('passes everything without a fault', async () => {
      const before = link.bytes.in
      const conversation = await open()
      await conversation.write('through', 10_000)
      expect(link.bytes.in - before).toBeGreaterThan(10_000)
      expect(await driver.ids()).toContain('through')
    })

    it('freeze("in") holds back the bytes of the client: the broker gets them after heal', async () => {
      const conversation = await open()
      const before = await driver.count()
      await link.freeze('in')
      const write = conversation.write('held-in')
      expect(await settles(write, quietMs)).toBe(false)
      expect(await driver.count()).toBe(before)
      await link.heal()
      await within(write, { what: 'the write after heal' })
      expect(await driver.count()).toBe(before + 1)
    })

    it('freeze("out") holds back the answers of the broker: it has the write, but the client does not know', async () => {
      const conversation = await open()
      const before = await driver.count()
      await link.freeze('out')
      const write = conversation.write('held-out')
      await until(async () => (await driver.count()) === before + 1, { what: 'the broker to have the write' })
      expect(await settles(write, quietMs)).toBe(false)
      await link.heal()
      await within(write, { what: 'the confirmation after heal' })
    })

    it('freeze("both") stalls an open and a new connection, and keeps both', async () => {
      const conversation = await open()
      await link.freeze('both')
      const write = conversation.write('held-both')
      const second = driver.open(link)
      const secondWrite = second.then((opened) => opened.write('held-opening'))
      expect(await settles(write, quietMs)).toBe(false)
      expect(await settles(secondWrite, quietMs)).toBe(false)
      await link.heal()
      await within(Promise.all([write, secondWrite]), { what: 'both writes after heal' })
      conversations.push(await second)
    })

    it('cut() resets the connections: a write without an answer fails, and a new connection works', async () => {
      const conversation = await open()
      const before = link.connections
      const socket = connect(link.port, link.host)
      const reset = new Promise<string>((resolve) =>
        socket.once('error', (error) => resolve(String(Reflect.get(error, 'code')))),
      )
      await until(() => link.connections === before + 1, { what: 'the socket to be connected' })
      await link.freeze('out')
      const write = conversation.write('cut')
      expect(await settles(write, quietMs)).toBe(false)
      await link.cut()
      expect(await within(reset, { what: 'the reset' })).toBe('ECONNRESET')
      await link.heal()
      await expect(within(write, { what: 'the write to fail' })).rejects.not.toThrow(/Waited/)
      await open()
    })

    it('refuse() refuses new connections and keeps open ones', async () => {
      const conversation = await open()
      await link.refuse()
      await conversation.write('still-open')
      const error = new Promise<string>((resolve) =>
        connect(link.port, link.host).once('error', (cause) => resolve(String(Reflect.get(cause, 'code')))),
      )
      expect(await within(error, { what: 'the refusal' })).toBe('ECONNREFUSED')
      await expect(driver.open(link)).rejects.toThrow()
      await link.heal()
      await open()
    })

    it('slow() takes the time that the bytes need, and heal ends it during a write', async () => {
      const conversation = await open()
      await link.slow(50_000)
      const startedAt = Date.now()
      await conversation.write('slow', 50_000)
      expect(Date.now() - startedAt).toBeGreaterThan(900)
      await link.slow(1_000)
      const write = conversation.write('slower', 50_000)
      expect(await settles(write, quietMs)).toBe(false)
      await link.heal()
      await within(write, { what: 'the write after heal', timeoutMs: 3_000 })
    })

    it('dropAfter(n, "in") passes n bytes and cuts: the broker never gets the write', async () => {
      const conversation = await open()
      const before = await driver.count()
      const passed = link.bytes.in
      await link.dropAfter(10_000, 'in')
      await expect(within(conversation.write('dropped', 50_000), { what: 'the write to fail' })).rejects.not.toThrow(
        /Waited/,
      )
      // A driver that reconnects at once sends a few more bytes.
      expect(link.bytes.in - passed).toBeGreaterThanOrEqual(10_000)
      expect(link.bytes.in - passed).toBeLessThan(20_000)
      expect(await driver.count()).toBe(before)
      await open()
    })

    it('dropAfter(0, "out") loses the answer to a write that the broker has', async () => {
      const conversation = await open()
      const before = await driver.count()
      await link.dropAfter(0, 'out')
      await expect(within(conversation.write('unanswered'), { what: 'the write to fail' })).rejects.not.toThrow(
        /Waited/,
      )
      expect(await driver.count()).toBe(before + 1)
    })

    it('heal() cancels a fault that has not happened yet', async () => {
      const conversation = await open()
      await link.dropAfter(100, 'in')
      await link.refuse()
      await link.freeze('both')
      await link.heal()
      await conversation.write('healed', 1_000)
      await open()
    })
  })
}
