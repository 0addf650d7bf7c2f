import { MqError } from '@mq/core/adapter'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface Login {
  readonly username: string
  readonly password: string
}

export interface Address {
  readonly isSecure: boolean
  readonly endpoints: readonly Endpoint[]
  readonly login: Login
  readonly vhost: string
}

const example = "as in 'amqp://user:password@host:5672/vhost'"

/** Throws `MQ_INVALID_URL` for the URL, `MQ_INVALID_OPTION` for a host; the URL, which may hold a password, is not shown. */
export function endpointsOf(url: string, hosts: readonly string[]): Address {
  if (typeof url !== 'string') throw new TypeError(`url must be a string, not ${typeof url}`)
  if (!Array.isArray(hosts)) throw new TypeError('hosts must be an array of strings')
  if (!/^amqps?:\/\//i.test(url)) throw invalid('begins with amqp:// or amqps://')
  // Its own error would carry the whole URL.
  if (!URL.canParse(url)) throw invalid('cannot be parsed; percent-encode special characters of user and password')
  const parsed = new URL(url)
  if (parsed.search !== '' || parsed.hash !== '') throw invalid('has no query and no fragment: use the options instead')
  const isSecure = parsed.protocol === 'amqps:'
  const port = isSecure ? 5671 : 5672
  const first = { host: bare(parsed.hostname) || 'localhost', port: Number(parsed.port) || port }
  const path = parsed.pathname.slice(1)
  if (path.includes('/')) throw invalid('has one path segment, the vhost; write a slash in it as %2F')
  return {
    isSecure,
    endpoints: [first, ...hosts.map((text) => endpointOf(text, port))],
    login:
      parsed.username === '' && parsed.password === ''
        ? { username: 'guest', password: 'guest' }
        : { username: decoded(parsed.username), password: decoded(parsed.password) },
    vhost: path === '' ? '/' : decoded(path),
  }
}

function endpointOf(text: unknown, defaultPort: number): Endpoint {
  if (typeof text !== 'string') throw new TypeError('hosts must be an array of strings')
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text) ?? []
  if (host === undefined)
    throw new MqError('MQ_INVALID_OPTION', "Each of hosts is 'host' or 'host:port', without a scheme")
  return { host: bare(host), port: port === undefined ? defaultPort : Number(port) }
}

/** Without the brackets of an IPv6 address, which sockets do not want. */
const bare = (host: string): string => host.replace(/^\[|\]$/g, '')

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid('has a % that begins no percent-encoding')
  }
}

const invalid = (rule: string): MqError => new MqError('MQ_INVALID_URL', `The URL of a RabbitMQ ${rule}, ${example}`)
