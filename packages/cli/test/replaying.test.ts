import { brokers, type ServerKind, until } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { mqJson, start } from './support/mq.js'
import { die, open } from './support/open.js'

const kinds: readonly ServerKind[] = ['redis', 'rabbitmq', 'kafka', 'postgres']

describe.each(kinds)('dead replay on %s', (kind) => {
  describe.skipIf(!brokers.wanted(kind))('of 10,000 dead letters', () => {
    it('is broken off by Ctrl-C with nothing lost, and goes on when it is given again', {
      timeout: 180_000,
    }, async () => {
      const count = 10_000
      const { url, queue, topic } = await open(kind)
      await die(
        queue,
        topic,
        Array.from({ length: count }, (_, n) => n),
      )
      const dead = async (): Promise<number> => (await queue.stats(topic)).dead ?? 0
      const ready = async (): Promise<number> => (await queue.stats(topic)).ready ?? 0

      const replay = start(['dead', 'replay', topic, 'g', '--rate', '1000', '--json'], { url })
      await until(async () => (await dead()) < count, { what: 'the first part', timeoutMs: 60_000 })
      replay.process.kill('SIGINT')
      const { code, stdout, stderr } = await replay.ended
      expect(code).toBe(130)
      expect(stderr).toContain('Broken off. Nothing is lost')
      const { replayed, interrupted } = JSON.parse(stdout)
      expect(interrupted).toBe(true)
      expect(replayed).toBeLessThan(count)
      expect({ dead: await dead(), ready: await ready() }).toEqual({ dead: count - replayed, ready: replayed })

      expect(await mqJson(['dead', 'replay', topic, 'g'], { url })).toEqual({
        replayed: count - replayed,
        interrupted: false,
      })
      const seen = new Set<unknown>()
      await queue.subscribe(topic, ({ data }) => void seen.add(data), { concurrency: 200 })
      await until(() => seen.size === count, { what: 'every message', timeoutMs: 60_000 })
      expect(await dead()).toBe(0)
      expect(await mqJson(['dead', 'replay', topic, 'g'], { url })).toEqual({ replayed: 0, interrupted: false })
    })

    it('leaves alone what dies again meanwhile', async () => {
      const { url, queue, topic } = await open(kind)
      await die(queue, topic, [1, 2, 3])
      await queue.subscribe(topic, () => {
        throw new Error('again')
      })
      expect(await mqJson(['dead', 'replay', topic, 'g', '--rate', '20'], { url })).toMatchObject({ replayed: 3 })
      await until(async () => (await queue.stats(topic)).dead === 3, { what: 'three deaths', timeoutMs: 20_000 })
    })
  })
})
