import { Client } from 'pg'

/** Runs a statement on the server itself, past the proxy and the adapter. */
export async function ask(
  { url }: { readonly url: string },
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query(text, [...values])
    return rows as readonly Record<string, unknown>[]
  } finally {
    await client.end()
  }
}
