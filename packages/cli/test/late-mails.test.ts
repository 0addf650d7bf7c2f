import { brokers, type Child, child, type RabbitServer, rabbitmq, type ServerKind, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { mq } from './support/mq.js'
import { open } from './support/open.js'
import { openPage } from './support/page.js'
import { type Row, rows } from './support/rows.js'

/** "The mails are late. Why?", by the steps of docs/operating/command.md, and of docs/operating/page.md. */
const kinds: readonly ServerKind[] = ['redis', 'rabbitmq', 'kafka']

let rabbit: RabbitServer
beforeAll(async () => {
  if (!brokers.owned('rabbitmq')) return
  rabbit = await rabbitmq({ management: true })
  return () => rabbit.stop()
})

const mailer = new URL('./children/mailer.ts', import.meta.url)
const timeoutMs = 40_000

// A test starts up to three processes and ten commands, one after another.
describe.each(kinds)('mails are late on %s', { timeout: 120_000 }, (kind) => {
  const isThere = kind === 'rabbitmq' ? brokers.owned(kind) : brokers.wanted(kind)

  /** Opens the topic of a test, starts the application in processes of its own, and runs commands beside it. */
  async function late() {
    const { url, env, queue, topic } = await open(kind, kind === 'rabbitmq' ? rabbit : undefined)
    const run = (...args: readonly string[]) => mq(args, { url, env })
    async function rowsOf(...args: readonly string[]): Promise<readonly Row[]> {
      const { code, stdout, stderr } = await run(...args)
      expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' })
      return rows(stdout)
    }
    const stats = () => queue.stats(topic, 'mailer')
    const page = await openPage(queue)
    return {
      url,
      topic,
      run,
      rowsOf,
      /** Starts a worker, which may end before it consumes. */
      async worker(): Promise<Child<string>> {
        const started = await child<string>(mailer, { args: [url, topic] })
        onTestFinished(async () => void (await started.kill()))
        return started
      },
      async publish(...addresses: readonly string[]): Promise<void> {
        await queue.declareGroup(topic, 'mailer')
        await queue.publishAll(
          topic,
          addresses.map((to) => ({ to })),
        )
      },
      dead: (count: number) =>
        until(async () => (await stats()).dead === count, { what: `${count} dead letters`, timeoutMs }),
      ready: (count: number) =>
        until(async () => (await stats()).ready === count, { what: `${count} mails that wait`, timeoutMs }),
      /** Waits until the broker has noticed who came and went. */
      consumers: (count: number) =>
        until(async () => (await queue.groups(topic)).items[0]?.consumers === count, {
          what: `${count} consumers`,
          timeoutMs,
        }),
      overview: () => page(`/?find=${topic}`),
      list: (name: string) => page(`/group?topic=${topic}&group=mailer&list=${name}`),
      /** The first two looks: at the counts, and at the consumers. */
      async look(): Promise<Row> {
        const [[counts], [consumers]] = [await rowsOf('stats', topic, 'mailer'), await rowsOf('groups', topic)]
        return { ...counts, ...consumers }
      },
    }
  }

  const counted = (reports: readonly string[], to: string): number => reports.filter((one) => one === to).length
  const data = (to: string): string => JSON.stringify({ to })

  describe.skipIf(!isThere)('because', () => {
    it('handlers are stuck: messages wait although there are consumers, and Redis says what runs for long', async () => {
      const { url, topic, run, rowsOf, worker, publish, ready, consumers, look, overview, list } = await late()
      const { waitFor } = await worker()
      await publish('stuck', 'stuck', 'ada')
      await waitFor((reports) => counted(reports, 'stuck') === 2, { what: 'two mails', timeoutMs })
      await ready(1)
      await consumers(1)
      const found = await look()
      expect(found).toMatchObject({ READY: '1', CONSUMERS: '1', PAUSED: '-' })
      const inFlight = ['waiting', topic, 'mailer', '--state', 'inFlight']
      if (kind === 'redis') {
        expect(found).toMatchObject({ INFLIGHT: '2', 'OLDEST READY': expect.stringMatching(/^\d/) })
        const [running] = await rowsOf(...inFlight)
        expect(running).toMatchObject({ DATA: data('stuck'), 'RUNS FOR': expect.stringMatching(/^\d+m?s$/) })
        expect(await list('inFlight')).toMatch(/Running 2 .*Runs since.*"stuck"/)
        return
      }
      expect(await run(...inFlight)).toMatchObject({ code: 1, stderr: expect.stringContaining('no listsInFlight') })
      if (kind === 'kafka') {
        expect(found).toMatchObject({ 'OLDEST READY': expect.stringMatching(/^\d/) })
        return
      }
      expect(found).toMatchObject({ INFLIGHT: 'unknown', 'OLDEST READY': 'unknown' })
      expect(await overview()).toMatch(/mailer 1 .* 1 waits, age unknown/)
      const unmanaged = await mq(['groups', topic], { url })
      expect(unmanaged).toMatchObject({ code: 1, stderr: expect.stringContaining('set MQ_MANAGEMENT_URL=http') })
      // What the docs name in its place is some seconds late, and one call may take up to a minute.
      const columns = ['name', 'messages_ready', 'messages_unacknowledged', 'consumers']
      const listed = () => rabbit.rabbitmqctl('list_queues', ...columns)
      await until(async () => (await listed()).includes(`mq--group--${topic}--mailer\t1\t2\t1\n`), {
        what: 'the queue in the list',
        timeoutMs: 90_000,
      })
    })

    it('the worker was killed: messages wait, and there is no consumer', async () => {
      const { topic, rowsOf, worker, publish, consumers, look, overview } = await late()
      const { kill, waitFor } = await worker()
      await publish('stuck')
      await waitFor((reports) => reports.includes('stuck'), { what: 'the mail', timeoutMs })
      await kill()
      await publish('ada', 'bob')
      await consumers(0)
      const { READY, CONSUMERS, PAUSED } = await look()
      expect({ CONSUMERS, PAUSED }).toEqual({ CONSUMERS: '0', PAUSED: '-' })
      expect(Number(READY)).toBeGreaterThanOrEqual(2)
      expect(await overview()).toMatch(/mailer \d .* 0 no consumer/)
      if (kind === 'rabbitmq') return
      const waiting = await rowsOf('waiting', topic, 'mailer')
      expect(waiting.map(({ DATA }) => DATA)).toEqual(expect.arrayContaining([data('ada'), data('bob')]))
    })

    it('a message fails each time, and another for now: one is dead, one comes again, and both say why', async () => {
      const { topic, rowsOf, run, worker, publish, dead, overview, list } = await late()
      await worker()
      await publish('refused', 'busy')
      await dead(1)
      const matching = ['--where', 'error.code=ECONNREFUSED']
      expect(await rowsOf('dead', 'list', topic, 'mailer', ...matching)).toMatchObject([
        { REASON: 'error', ERROR: 'connect ECONNREFUSED', ATTEMPTS: '2', DATA: data('refused') },
      ])
      expect(await overview()).toContain('dead letters')
      expect(await list('dead')).toMatch(/"refused".* error connect ECONNREFUSED ECONNREFUSED 2 /)
      if (kind !== 'rabbitmq') {
        expect(await list('retrying')).toMatch(/"busy".* in (1 h|59 min) .*451 try again later/)
        const retrying = await rowsOf('waiting', topic, 'mailer', '--state', 'retrying')
        expect(retrying).toMatchObject([{ ERROR: '451 try again later', ATTEMPT: '2', DATA: data('busy') }])
      }
      const replayed = await run('dead', 'replay', topic, 'mailer', ...matching, '--rate', '50')
      expect(replayed).toMatchObject({ code: 0, stdout: 'replayed 1 dead letter\n' })
    })

    it('a message kills its processes: each new worker is soon gone, and the message is dead or the first', async () => {
      const { topic, rowsOf, worker, publish, dead } = await late()
      await publish('kills')
      for (let runs = 0; runs < 2; runs += 1) expect((await (await worker()).exited).signal).toBe('SIGKILL')
      if (kind === 'kafka') {
        expect((await rowsOf('waiting', topic, 'mailer'))[0]).toMatchObject({ DATA: data('kills') })
        return
      }
      await worker()
      await dead(1)
      expect(await rowsOf('dead', 'list', topic, 'mailer', '--where', 'reason=crashed')).toMatchObject([
        { DATA: data('kills') },
      ])
    })

    it('somebody has paused the group: it says who, and resuming lets it go on', async () => {
      const { topic, run, worker, publish, consumers, look, overview, list } = await late()
      await publish()
      await run('pause', topic, 'mailer', '--by', 'Ada: the provider is down')
      const { waitFor } = await worker()
      await waitFor((reports) => reports.includes('consumes'), { what: 'the worker to consume', timeoutMs })
      await publish('ada')
      await consumers(kind === 'rabbitmq' ? 0 : 1)
      const { READY, PAUSED, CONSUMERS } = await look()
      expect(PAUSED).toMatch(/^since \S+Z by Ada: the provider is down$/)
      const words = await overview()
      expect(words).toMatch(/mailer 1 .* paused/)
      expect(words).not.toContain('no consumer')
      expect(await list('ready')).toMatch(/paused \d+ \w+ ago by Ada: the provider is down/)
      expect({ READY, CONSUMERS }).toEqual({ READY: '1', CONSUMERS: kind === 'rabbitmq' ? '0' : '1' })
      expect(await run('resume', topic, 'mailer')).toMatchObject({ code: 0, stdout: `resumed ${topic}/mailer\n` })
      await waitFor((reports) => reports.includes('ada'), { what: 'the mail', timeoutMs })
      await consumers(1)
      expect(await look()).toMatchObject({ CONSUMERS: '1', PAUSED: '-' })
    })
  })
})
