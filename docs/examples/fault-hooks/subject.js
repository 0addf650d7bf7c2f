import { execFileSync } from 'node:child_process'
import { proxy } from '@mq/core/conformance'
import { faults } from './faults.js'
import { startRedis } from './server.js'

export { default } from '@mq/redis'

/** @typedef {Awaited<ReturnType<typeof start>>} Started */

/** Makes a certificate that nobody trusts, with its key. */
function untrustedCertificate() {
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=untrusted', '-keyout', '-', '-out', '-']
  const pem = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return { cert: pem, key: pem }
}

async function start() {
  const server = await startRedis()
  const link = await proxy(server.url)
  const door = await proxy(server.url, { tls: untrustedCertificate() })
  return { server, link, door, options: { url: link.url } }
}

/** @type {Omit<import('@mq/core/conformance').Subject<Started>, 'adapter'>} */
export const subject = {
  options: { url: 'redis://127.0.0.1', visibilityMs: 4_000, commandTimeoutMs: 2_000 },
  start,
  async stop({ server, link, door }) {
    await link.close()
    await door.close()
    await server.stop()
  },
  faults,
}
