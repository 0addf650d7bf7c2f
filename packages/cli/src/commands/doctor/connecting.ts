import type { Finding, MqError, MqErrorCode } from '@mq/core'
import { withoutSecrets } from '@mq/core/adapter'

const docs = 'https://github.com/mq-js/mq/blob/main/docs/operating/README.md#credentials'

interface Reason {
  readonly code: string
  readonly advice: string
}

/** The reasons that the operating system gives. */
const bySystem: Readonly<Record<string, Reason>> = {
  ECONNREFUSED: {
    code: 'connect.refused',
    advice: 'Nothing listens there: check host and port, and that the broker runs.',
  },
  ENOTFOUND: { code: 'connect.unknown-host', advice: 'The name of the host is not known to DNS: check it.' },
  EAI_AGAIN: {
    code: 'connect.unknown-host',
    advice: 'DNS did not answer for the name of the host: check it, and the resolver.',
  },
  EHOSTUNREACH: {
    code: 'connect.unreachable',
    advice: 'There is no way to the host: check the network and firewalls.',
  },
  ENETUNREACH: { code: 'connect.unreachable', advice: 'There is no way to the host: check the network and firewalls.' },
  ECONNRESET: {
    code: 'connect.reset',
    advice: 'The other side closed the connection: check the scheme and the port, and whether TLS is needed.',
  },
}

const byError: Partial<Record<MqErrorCode, Reason>> = {
  MQ_AUTH_FAILED: {
    code: 'connect.rights',
    advice: 'Check user and password, and grant the rights that the README of the adapter lists.',
  },
  MQ_TLS_FAILED: {
    code: 'connect.tls',
    advice: 'Check the name in the certificate and who signed it. NODE_EXTRA_CA_CERTS names further authorities.',
  },
  MQ_CONNECT_TIMEOUT: { code: 'connect.timeout', advice: 'Nothing answered in time: check host, port and firewalls.' },
}

/** Says why there is no connection. */
export function connectFinding(error: MqError): Finding {
  const reason = byError[error.code] ?? systemReason(error) ?? serverReason(error.message)
  return {
    severity: 'error',
    docs,
    code: reason.code,
    problem: `${withoutSecrets(error.message)}.`,
    advice: reason.advice,
  }
}

function systemReason(error: Error): Reason | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as { code?: unknown }
    if (typeof code === 'string' && Object.hasOwn(bySystem, code)) return bySystem[code]
  }
  const named = Object.keys(bySystem).find((code) => error.message.includes(code))
  return named === undefined ? undefined : bySystem[named]
}

/** A server that was reached, and cannot be used. The adapter's text says what to change. */
function serverReason(text: string): Reason {
  if (/too old/.test(text)) return { code: 'connect.version', advice: 'Upgrade the broker.' }
  if (/too new/.test(text)) return { code: 'connect.version', advice: 'Upgrade the package of the adapter.' }
  if (/evict/.test(text))
    return {
      code: 'connect.eviction',
      advice: 'Set maxmemory-policy to noeviction, and use a server of its own for messages.',
    }
  return { code: 'connect.failed', advice: 'Check the URL, and the log of the broker.' }
}
