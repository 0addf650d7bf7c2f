import { brokers, type PostgresServer, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { ask } from './support/ask.js'
import { newSchema, newTopic, open } from './support/open.js'
import { begun } from './support/transaction.js'

describe.skipIf(!brokers.wanted('postgres'))('a publish', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await shared('postgres')
  })

  it('that is under way when a group is made reaches it, if the group starts with the earliest message', async () => {
    const applicationName = newTopic()
    const queue = await open(server.url, { postgres: { applicationName } })
    const topic = newTopic()
    await queue.publish(topic, 'before')
    const publishing = await begun(server)
    const text = `SELECT mq.publish_1($1, ARRAY['m']::text[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[0]::float8[], ARRAY[1], '1', 0)`
    await publishing.query(text, [topic])
    let isMade = false
    const making = queue.declareGroup(topic, 'g', { startFrom: 'earliest' }).then(() => {
      isMade = true
    })
    const waits = `SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`
    await until(async () => isMade || (await ask(server, waits, [applicationName])).length > 0, {
      what: 'the group to be made or to wait',
    })
    await publishing.query('COMMIT')
    await making
    expect(await queue.stats(topic, 'g')).toMatchObject({ ready: 2 })
  })

  it('that the server refuses at first is not overtaken by others of its key', async () => {
    const schema = newSchema()
    const queue = await open(server.url, { postgres: { schema } })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    // The first message is refused once, as after a deadlock. A sequence keeps its count through that.
    await ask(server, `CREATE SEQUENCE "${schema}".tries`)
    await ask(
      server,
      `CREATE FUNCTION "${schema}".refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('"${schema}".tries') = 1 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40P01'; END IF;
        RETURN NEW;
      END $$`,
    )
    await ask(
      server,
      `CREATE TRIGGER refuse_once BEFORE INSERT ON "${schema}".messages
      FOR EACH ROW WHEN (NEW.body = '0') EXECUTE FUNCTION "${schema}".refuse_once()`,
    )
    // These are more than one statement takes while another is under way.
    const numbers = Array.from({ length: 40 }, (_, index) => index)
    await queue.publishAll(topic, numbers, { key: 'k' })
    const [tries] = await ask(server, `SELECT last_value::int AS count FROM "${schema}".tries`)
    expect(tries).toEqual({ count: 2 })
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push(data), { ordered: true })
    await until(() => got.length === numbers.length, { what: 'all messages' })
    expect(got).toEqual(numbers)
  })
})
