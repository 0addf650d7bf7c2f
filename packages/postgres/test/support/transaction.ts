import { Client } from 'pg'
import { onTestFinished } from 'vitest'

/** A connection on which a transaction was begun. */
export async function begun(
  { url }: { readonly url: string },
  isolation: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE' = 'READ COMMITTED',
): Promise<Client> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
  return client
}
