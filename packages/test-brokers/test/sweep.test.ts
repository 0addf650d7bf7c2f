import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { brokers, child } from '../src/index.js'
import { childrenIn } from '../src/run/family.js'
import { namesIn, processesOf, root } from '../src/run/folder.js'
import { launch } from '../src/run/launch.js'
import { end, identify, isAlive, self } from '../src/run/process.js'
import { sweep } from '../src/run/sweep.js'

interface Started {
  readonly kind: string
  readonly port: number
  readonly proxy: number
}

const refuses = async (port: number): Promise<boolean> =>
  await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })

const foldersOf = (pid: number): string[] =>
  namesIn(root())
    .filter((name) => name.split('.')[1] === String(pid))
    .map((name) => join(root(), name))

describe('the sweep', () => {
  const needed = (['redis', 'rabbitmq', 'kafka', 'postgres'] as const).some(brokers.wanted)

  it.skipIf(!needed)(
    'ends every broker that a SIGKILLed run has left, and removes their folders and ports',
    async () => {
      const run = await child<Started[]>(new URL('./children/owner.ts', import.meta.url), {
        env: { MQ_TEST_RABBITMQ_URL: '', MQ_TEST_REDIS_URL: '', MQ_TEST_KAFKA_URL: '', MQ_TEST_POSTGRES_URL: '' },
      })
      const reports = await run.waitFor((all) => all.length > 0, { what: 'the brokers to be up', timeoutMs: 60_000 })
      await run.kill()
      const servers = reports[0] ?? []
      const folders = foldersOf(run.pid)
      const processes = folders.flatMap(processesOf)
      const children = folders.flatMap(childrenIn)
      // RabbitMQ also starts Erlang's name server.
      expect(processes.length).toBe(servers.length + (brokers.wanted('rabbitmq') ? 1 : 0))
      expect(processes.filter(isAlive)).toEqual(processes)
      // PostgreSQL has processes for its log, its checkpoints and more, each in a group of its own. The others run no such processes.
      expect(children.length > 2).toBe(brokers.wanted('postgres'))
      expect(await Promise.all(servers.map(({ port }) => refuses(port)))).toEqual(servers.map(() => false))

      expect((await sweep()).sort()).toEqual(expect.arrayContaining(folders.sort()))
      expect([...processes, ...children].filter(isAlive)).toEqual([])
      expect(await Promise.all(servers.map(({ port }) => refuses(port)))).toEqual(servers.map(() => true))
      expect(foldersOf(run.pid)).toEqual([])
      const reserved = namesIn(join(root(), 'ports'))
      for (const { port, proxy } of servers)
        expect(reserved).not.toEqual(expect.arrayContaining([String(port), String(proxy)]))
    },
  )

  it('leaves alone everything of living runs, and a process that only has a recorded number', async () => {
    const dead = join(root(), 'redis.1999999.1.abcdef')
    const living = join(root(), `redis.${self.pid}.${self.start}.abcdef`)
    for (const folder of [dead, living]) mkdirSync(folder)
    const bystander = await launch(['/bin/sleep', '60'], { folder: living, name: 'broker', stdio: 'ignore' })
    try {
      // The number belongs to a living process with another start time. The recorded process has ended.
      writeFileSync(join(dead, 'broker.pid'), `${bystander.id.pid} 1`)
      const swept = await sweep()
      expect(swept).toContain(dead)
      expect(swept).not.toContain(living)
      expect(isAlive(bystander.id)).toBe(true)
    } finally {
      await end(bystander.id)
    }
    expect(identify(bystander.id.pid)).toBeUndefined()
  })
})
