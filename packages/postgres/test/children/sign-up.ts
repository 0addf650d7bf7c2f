import { createQueue } from '@mq/core'
import { postgres } from '@mq/postgres'
import { report } from '@mq/test-brokers'
import { Client } from 'pg'

/** Signs a user up, and stands still after the step that is named. */
const [url = '', topic = '', email = '', last = ''] = process.argv.slice(2)
const step = async (name: string): Promise<void> => {
  await report(name)
  if (name === last) await new Promise(() => setInterval(() => {}, 1_000))
}
const queue = createQueue(postgres({ url }))
await queue.connect()
const client = new Client({ connectionString: url })
await client.connect()
await client.query('BEGIN')
await step('begun')
await client.query('INSERT INTO users (email) VALUES ($1)', [email])
await step('inserted')
await queue.publish(topic, { email }, { id: email, transaction: client })
await step('published')
await client.query('COMMIT')
await step('committed')
await client.end()
await queue.disconnect()
process.exit(0)
