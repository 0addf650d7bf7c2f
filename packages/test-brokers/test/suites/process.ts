import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Server, until, within } from '../../src/index.js'
import type { Conversation, Driver } from '../drivers/driver.js'
import { quietMs, settles } from './proxy.js'

/** Tests every verb of a process, on a broker that belongs to this file alone. */
export function processSuite<S extends Server>(parts: {
  server: () => Promise<S>
  driver: (server: S) => Promise<Driver>
}) {
  let server: S
  let driver: Driver

  beforeAll(async () => {
    server = await parts.server()
    driver = await parts.driver(server)
  })
  afterAll(async () => {
    await server?.stop()
  })

  const open = async (): Promise<Conversation> => {
    const conversation = await driver.open(server)
    await conversation.write('warm-up')
    return conversation
  }

  describe('a process of its own', () => {
    it('kill() during writes and restart() lose no confirmed write', async () => {
      const conversation = await open()
      const confirmed = new Set<string>()
      const failures: unknown[] = []
      const writer = async (name: string): Promise<void> => {
        for (let index = 0; ; index += 1) {
          const id = `${name}-${index}`
          await conversation.write(id, 200)
          confirmed.add(id)
        }
      }
      // Each client writes until the broker is gone.
      const writers = ['a', 'b', 'c', 'd'].map((name) => writer(name).catch((error) => failures.push(error)))
      await until(() => confirmed.size >= 300, { what: '300 confirmed writes', timeoutMs: 20_000 })
      // If a write is missing afterwards, this shows that it had been stored.
      expect(await driver.count()).toBeGreaterThanOrEqual(300)
      await server.kill()
      await within(Promise.all(writers), { what: 'the writers to fail', timeoutMs: 20_000 })
      expect(failures).toHaveLength(4)
      await expect(driver.open(server)).rejects.toThrow()
      await conversation.close().catch(() => undefined)

      await server.restart()
      const stored = await driver.ids()
      expect([...confirmed].filter((id) => !stored.has(id))).toEqual([])
      expect(stored.size).toBeGreaterThan(300)
    })

    it('pause() stalls a write and a new connection, and resume() continues both', async () => {
      const conversation = await open()
      await server.pause()
      const write = conversation.write('while-paused')
      const other = driver.open(server)
      // Each is awaited below. An earlier rejection must not count as unhandled.
      for (const promise of [write, other]) promise.catch(() => undefined)
      expect(await settles(write, quietMs)).toBe(false)
      expect(await settles(other, quietMs)).toBe(false)
      await server.resume()
      await within(write, { what: 'the write after resume', timeoutMs: 10_000 })
      const second = await within(other, { what: 'the connection after resume', timeoutMs: 10_000 })
      expect(await driver.ids()).toContain('while-paused')
      await Promise.all([conversation.close(), second.close()])
    })

    it('a paused process can be killed, and pause() then says that it does not run', async () => {
      await server.pause()
      await server.kill()
      await expect(driver.open(server)).rejects.toThrow()
      await expect(server.pause()).rejects.toThrow(`${server.kind} does not run`)
    })

    it('stop() frees the port, and may be called again', async () => {
      await server.stop()
      await expect(driver.open(server)).rejects.toThrow()
      await server.stop()
    })
  })
}
