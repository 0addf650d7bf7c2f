import type { Faults } from '@mq/core/conformance'
import { faultsOf, type PostgresServer, type StartedServer } from '@mq/test-brokers'
import { ask } from './ask.js'

type Started = StartedServer<PostgresServer>

/** Names what the adapter has made for groups and consumers. What waits for a group that is there may stay, and what a topic keeps. */
const names = `SELECT 'group ' || g.id AS name FROM mq.groups g
  UNION ALL SELECT 'consumer ' || c.id FROM mq.consumers c
  UNION ALL SELECT 'process ' || p.id FROM mq.processes p
  UNION ALL SELECT 'delivery ' || d.message || ' of ' || d.grp FROM mq.deliveries d
    WHERE NOT EXISTS (SELECT FROM mq.groups g WHERE g.id = d.grp)
  UNION ALL SELECT 'lane ' || l.key || ' of ' || l.grp FROM mq.lanes l
    WHERE NOT EXISTS (SELECT FROM mq.groups g WHERE g.id = l.grp)
  UNION ALL SELECT 'skip ' || s.delayed || ' of ' || s.grp FROM mq.skips s
    WHERE NOT EXISTS (SELECT FROM mq.groups g WHERE g.id = s.grp)`

/** The faults that test-brokers can inject into PostgreSQL, and those that need the names of our tables. */
export const postgresFaults: Faults<Started> = {
  ...faultsOf('postgres'),
  leftovers: async ({ server }) => (await ask(server, names)).map(({ name }) => String(name)),
  async destroy({ server }, { topic, group }) {
    const deleted = `WITH gone AS (
      DELETE FROM mq.groups g USING mq.topics t WHERE t.id = g.topic AND t.name = $1 AND g.name = $2 RETURNING g.id
    ) DELETE FROM mq.deliveries d USING gone WHERE d.grp = gone.id`
    await ask(server, deleted, [topic, group])
  },
  async publishForeign({ server }, topic, body) {
    await ask(server, 'SELECT mq.send($1, $2)', [topic, Buffer.from(body)])
  },
}
