import { type AddressInfo, connect, createServer } from 'node:net'
import { onTestFinished } from 'vitest'

/** Stands in front of a broker and changes what it says, to something of the same length. Returns the URL. */
export async function claiming(url: string, change: (text: string) => string): Promise<string> {
  const { hostname, port } = new URL(url)
  const server = createServer((client) => {
    const broker = connect(Number(port), hostname)
    broker.on('data', (bytes) => client.write(Buffer.from(change(bytes.toString('latin1')), 'latin1')))
    client.on('data', (bytes) => broker.write(bytes))
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const own = (server.address() as AddressInfo).port
  return Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(own) }).href
}
