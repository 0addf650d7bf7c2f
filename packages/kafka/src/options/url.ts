import { MqError } from '@mq/core/adapter'
import type { Sasl } from '../driver/client.js'

export interface ParsedUrl {
  readonly brokers: readonly string[]
  readonly tls: boolean
  readonly sasl: Sasl | undefined
}

const pattern = /^kafka:\/\/(?:([^/?#@]*)@)?([^/?#@]+)\/?(?:\?([^#]*))?$/
const hostPattern = /^([A-Za-z0-9._-]+)(?::(\d{1,5}))?$/

/** Throws a `TypeError` or `MQ_INVALID_URL`. Neither shows the URL, because it may hold a password. */
export function parseUrl(url: unknown): ParsedUrl {
  if (typeof url !== 'string') throw new TypeError(`url must be a string, not ${typeof url}`)
  const found = pattern.exec(url)
  if (found === null) throw unusable("it looks like 'kafka://user:password@host:9092,other:9092'")
  const [, login, hosts = '', query] = found
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) {
    if (name !== 'tls' && name !== 'mechanism') throw unusable('its only parameters are tls and mechanism')
  }
  const tls = parameters.get('tls') ?? 'false'
  if (tls !== 'true' && tls !== 'false') throw unusable('tls is true or false')
  return {
    brokers: hosts.split(',').map(brokerOf),
    tls: tls === 'true',
    sasl: login === undefined || login === '' ? undefined : loginOf(login, parameters.get('mechanism') ?? 'plain'),
  }
}

const unusable = (rule: string): MqError => new MqError('MQ_INVALID_URL', `The URL of Kafka cannot be used: ${rule}`)

function brokerOf(text: string): string {
  const found = hostPattern.exec(text)
  if (found === null || Number(found[2] ?? 1) > 65_535) throw unusable('its hosts are host:port, joined by commas')
  return `${found[1]}:${found[2] ?? 9092}`
}

function loginOf(login: string, mechanism: string): Sasl {
  if (mechanism !== 'plain' && mechanism !== 'scram-sha-256' && mechanism !== 'scram-sha-512') {
    throw unusable('mechanism is plain, scram-sha-256 or scram-sha-512')
  }
  const [user = '', ...password] = login.split(':')
  try {
    return { mechanism, username: decodeURIComponent(user), password: decodeURIComponent(password.join(':')) }
  } catch {
    throw unusable('its user and password are percent-encoded')
  }
}
