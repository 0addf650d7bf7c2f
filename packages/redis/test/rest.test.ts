import { brokers, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { monitor } from './support/monitor.js'
import { client, fail, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.owned('redis'))('a consumer at rest', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server?.stop()
  })

  it.each([
    ['', {}],
    [' with `ordered`', { ordered: true }],
  ])(
    'is woken by other programs, for what is new, for what is due and for what is replayed%s',
    async (_, options) => {
      const [queue, other, admin] = [await open(server.url), await open(server.url), await client(server.url)]
      const topic = newTopic()
      const seen: unknown[] = []
      const handler = ({ data }: { data: unknown }): void => {
        seen.push(data)
        if (data === 'dies') fail()
      }
      await queue.subscribe(topic, handler, { retry: { attempts: 2, delayMs: 20 }, ...options })
      const watching = await monitor(server.url)
      const looks = (): number =>
        watching.sent.filter((command) => /^"evalsha" "\w+" "7" .*:lanes"/i.test(command)).length

      /** Does something that brings so many runs, while no look is taken that could find them instead. */
      async function between(what: string, act: () => Promise<unknown>, runs: number): Promise<void> {
        for (;;) {
          const before = seen.length
          const taken = looks()
          await until(() => looks() > taken, { what: 'a look' })
          const begun = looks()
          await act()
          await until(() => seen.length >= before + runs, { what, timeoutMs: 5_000 })
          // A busy machine that takes its time shows nothing.
          if (looks() === begun) return
        }
      }
      const replay = async (): Promise<void> => {
        await until(async () => ((await other.stats(topic)).dead ?? 0) >= 1, { what: 'a dead letter' })
        await other.deadLetters(topic).replay()
      }
      await between('what another program wrote', () => admin.xadd(`mq:{${topic}}:stream`, '*', 'data', '1'), 1)
      await between('what another process published', () => other.publish(topic, 2), 1)
      await between('what fell due', () => other.publish(topic, 3, { delayMs: 50 }), 1)
      await between('a retry', () => other.publish(topic, 'dies'), 2)
      await between('a replay', replay, 1)
      watching.stop()
      expect(queue.health().status).toBe('up')
    },
    60_000,
  )
})
