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

/** Throws `MQ_INVALID_URL` for the URL and `MQ_INVALID_OPTION` for a host. No error shows the URL, as it may hold a password. */
export function parseAddress(url: string, hosts: readonly string[]): Address {
  if (typeof url !== 'string') throw new TypeError(`url must be a string, not ${typeof url}`)
  if (!Array.isArray(hosts)) throw new TypeError('hosts must be an array of strings')
  if (!/^amqps?:\/\//i.test(url)) throw invalidUrl('must begin with amqp:// or amqps://')
  // `new URL` would throw an error that shows the whole URL.
  if (!URL.canParse(url)) {
    throw invalidUrl('cannot be parsed; percent-encode special characters of the user and the password')
  }
  const parsed = new URL(url)
  if (parsed.search !== '' || parsed.hash !== '') {
    throw invalidUrl('must have no query and no fragment; use the options of rabbitmq() instead')
  }
  const isSecure = parsed.protocol === 'amqps:'
  const port = isSecure ? 5671 : 5672
  const first = { host: withoutBrackets(parsed.hostname) || 'localhost', port: Number(parsed.port) || port }
  const path = parsed.pathname.slice(1)
  if (path.includes('/')) throw invalidUrl('must have one path segment, the vhost; write a slash in it as %2F')
  return {
    isSecure,
    endpoints: [first, ...hosts.map((text) => parseEndpoint(text, port))],
    login:
      parsed.username === '' && parsed.password === ''
        ? { username: 'guest', password: 'guest' }
        : { username: percentDecoded(parsed.username), password: percentDecoded(parsed.password) },
    vhost: path === '' ? '/' : percentDecoded(path),
  }
}

function parseEndpoint(text: unknown, defaultPort: number): Endpoint {
  if (typeof text !== 'string') throw new TypeError('hosts must be an array of strings')
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text) ?? []
  if (host === undefined)
    throw new MqError('MQ_INVALID_OPTION', "Each of hosts must be 'host' or 'host:port', without a scheme")
  return { host: withoutBrackets(host), port: port === undefined ? defaultPort : Number(port) }
}

/** Sockets take an IPv6 address without its brackets. */
const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, '')

function percentDecoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalidUrl('has a % that does not begin a percent-encoding')
  }
}

const invalidUrl = (rule: string): MqError => new MqError('MQ_INVALID_URL', `The URL of a RabbitMQ ${rule}, ${example}`)
