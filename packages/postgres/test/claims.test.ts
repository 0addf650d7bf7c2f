import { brokers, child, type PostgresServer, postgresql, proxy, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ask } from './support/ask.js'
import { fail, gate, newTopic, open } from './support/open.js'
import { begun } from './support/transaction.js'

interface Report {
  readonly type: 'ready' | 'started' | 'handled'
}

const worker = new URL('./children/worker.ts', import.meta.url)
/** Claims hold for so long that only the end of a process can explain a takeover. */
const visibilityMs = 60_000

describe.skipIf(!brokers.owned('postgres'))('a claim', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await postgresql()
  })
  afterAll(async () => {
    await server?.stop()
  })

  const deliveries = (topic: string) =>
    ask(
      server,
      `SELECT d.state, d.claim, d.attempt FROM mq.deliveries d JOIN mq.groups g ON g.id = d.grp
      JOIN mq.topics t ON t.id = g.topic WHERE t.name = $1 ORDER BY d.message`,
      [topic],
    )

  /** Ends the run of a message that another claim has followed, and returns its delivery. */
  async function endTooLate(handler: () => unknown) {
    const queue = await open(server.url, { postgres: { visibilityMs } })
    const [topic, started, taken] = [newTopic(), gate(), gate()]
    const subscription = await queue.subscribe(topic, async () => {
      started.open()
      await taken.opened
      return handler()
    })
    await queue.publish(topic, 1)
    await started.opened
    const text = `UPDATE mq.deliveries d SET claim = claim + 1 FROM mq.groups g, mq.topics t
      WHERE g.id = d.grp AND t.id = g.topic AND t.name = $1`
    await ask(server, text, [topic])
    taken.open()
    await subscription.stop()
    return await deliveries(topic)
  }

  // The stop gives back what the consumer holds; nothing was settled before.
  const givenBack = [{ state: 'r', claim: 2, attempt: 1 }]

  it('that another one has followed is not acknowledged by its former owner', async () => {
    expect(await endTooLate(() => 'done')).toEqual(givenBack)
  })

  it('that another one has followed is not retried by its former owner', async () => {
    expect(await endTooLate(fail)).toEqual(givenBack)
  })

  it('of a process that was killed goes to another one within 5 s, and counts as an attempt', async () => {
    const queue = await open(server.url, { postgres: { visibilityMs } })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const dying = await child<Report>(worker, { args: [server.url, topic, '600000', String(visibilityMs)] })
    await dying.waitFor((all) => all.some(({ type }) => type === 'ready'), { what: 'it', timeoutMs: 20_000 })
    await queue.publish(topic, 'held')
    await dying.waitFor((all) => all.some(({ type }) => type === 'started'), { what: 'its run' })
    const runs: [unknown, number][] = []
    await queue.subscribe(topic, ({ data, attempt }) => void runs.push([data, attempt]))
    await dying.kill()
    const diedAt = performance.now()
    await until(() => runs.length > 0, { what: 'the takeover', timeoutMs: 20_000 })
    expect(performance.now() - diedAt).toBeLessThan(6_000)
    expect(runs).toEqual([['held', 2]])
  })

  it('stays with a process that holds its event loop for longer than one that is gone would keep it', async () => {
    const queue = await open(server.url, { postgres: { visibilityMs } })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const busy = await child<Report>(worker, { args: [server.url, topic, '7000', String(visibilityMs), 'blocks'] })
    await busy.waitFor((all) => all.some(({ type }) => type === 'ready'), { what: 'it', timeoutMs: 20_000 })
    await queue.publish(topic, 'held')
    await busy.waitFor((all) => all.some(({ type }) => type === 'started'), { what: 'its run' })
    const runs: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void runs.push(data))
    await busy.waitFor((all) => all.some(({ type }) => type === 'handled'), { what: 'its end', timeoutMs: 20_000 })
    await until(async () => (await deliveries(topic)).length === 0, { what: 'the settlement', timeoutMs: 10_000 })
    expect(runs).toEqual([])
    await busy.kill()
  })

  it('whose answer was lost is given back without an attempt', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const consumer = await open(link.url, { postgres: { visibilityMs } })
    const topic = newTopic()
    const runs: [unknown, number][] = []
    await consumer.subscribe(topic, ({ data, attempt }) => void runs.push([data, attempt]))
    // A trigger holds up claims until the answers are held up.
    const barrier = await begun(server)
    await barrier.query('SELECT pg_advisory_xact_lock(7)')
    await ask(
      server,
      `CREATE FUNCTION public.pass() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NULL; END $$`,
    )
    await ask(
      server,
      `CREATE TRIGGER pass AFTER UPDATE ON mq.deliveries FOR EACH ROW WHEN (NEW.state = 'f') EXECUTE FUNCTION public.pass()`,
    )
    await (await open(server.url)).publish(topic, 'm')
    const waits = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted`
    await until(async () => (await ask(server, waits)).length > 0, { what: 'the claim' })
    await link.freeze('out')
    await barrier.query('COMMIT')
    await until(async () => (await deliveries(topic))[0]?.state === 'f', { what: 'the claim to be stored' })
    await ask(server, 'DROP FUNCTION public.pass() CASCADE')
    await link.cut()
    await link.heal()
    await until(() => runs.length > 0, { what: 'the run', timeoutMs: 15_000 })
    expect(runs).toEqual([['m', 1]])
  })

  /** Consumes while another session has locked the first of two messages. */
  async function consumeBesideALock(ordered: boolean): Promise<void> {
    const queue = await open(server.url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await queue.publish(topic, 'locked', { key: 'a' })
    await queue.publish(topic, 'free', { key: 'b' })
    const other = await begun(server)
    const first = `SELECT FROM mq.deliveries d JOIN mq.groups g ON g.id = d.grp JOIN mq.topics t ON t.id = g.topic
      WHERE t.name = $1 ORDER BY d.message LIMIT 1 FOR UPDATE OF d`
    await other.query(first, [topic])
    const runs: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void runs.push(data), { ordered })
    await until(() => runs.length === 1, { what: 'the other message' })
    expect(runs).toEqual(['free'])
    await other.query('ROLLBACK')
    await until(() => runs.length === 2, { what: 'the message that was locked' })
  }

  it('passes over a message that another session has locked, in any order', async () => {
    await consumeBesideALock(false)
  })

  it('passes over a message that another session has locked, in the order of keys', async () => {
    await consumeBesideALock(true)
  })

  it('of a session that was terminated stays with its process, which connects again', async () => {
    const queue = await open(server.url, { postgres: { visibilityMs, applicationName: 'terminated' } })
    const [topic, end] = [newTopic(), gate()]
    const runs: AbortSignal[] = []
    const states: string[] = []
    queue.on('state', ({ state }) => void states.push(state))
    await queue.subscribe(topic, async (_, { signal }) => {
      runs.push(signal)
      await end.opened
    })
    await queue.publish(topic, 1)
    await until(() => runs.length === 1, { what: 'the run' })
    await ask(server, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'terminated'`)
    await until(() => states.at(-1) === 'connected', { what: 'the new connection', timeoutMs: 10_000 })
    expect(states).toEqual(['reconnecting', 'connected'])
    end.open()
    await until(async () => (await deliveries(topic)).length === 0, { what: 'the settlement', timeoutMs: 10_000 })
    expect(runs.map(({ aborted }) => aborted)).toEqual([false])
  })
})
