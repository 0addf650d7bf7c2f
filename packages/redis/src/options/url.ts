import type { ConnectionOptions } from 'node:tls'
import { MqError } from '@mq/core/adapter'

export interface Address {
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  readonly tls: ConnectionOptions | undefined
}

export interface AddressOptions {
  readonly url?: string
  readonly username?: string
  readonly password?: string
  readonly db?: number
  readonly tls?: ConnectionOptions | true
}

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. None of them shows the URL: it may hold a password. */
export function addressOf(options: AddressOptions): Address {
  const url = parsed(options.url ?? 'redis://localhost:6379')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    host,
    port: Number(url.port || 6379),
    username: text(options.username, 'username') ?? decoded(url.username),
    password: text(options.password, 'password') ?? decoded(url.password),
    db: database(options.db, url.pathname),
    // Nodes and Sentinels need no URL; then the host is nobody's that is asked for a certificate.
    tls: tlsOf(options.tls, { secure: url.protocol === 'rediss:', host: options.url === undefined ? '' : host }),
  }
}

const example = 'redis://user:password@host:6379/0'

function parsed(value: unknown): URL {
  if (typeof value !== 'string') throw new TypeError(`url must be a string, not ${typeof value}`)
  let url: URL
  try {
    url = new URL(value)
  } catch {
    // No cause: the parser's error holds the URL.
    throw new MqError('MQ_INVALID_URL', `The URL of the Redis cannot be read; it looks like ${example}`)
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new MqError('MQ_INVALID_URL', `The URL of a Redis begins with redis:// or rediss://, as in ${example}`)
  }
  if (url.hostname === '') throw new MqError('MQ_INVALID_URL', `The URL of the Redis has no host, as in ${example}`)
  if (url.search !== '' || url.hash !== '') {
    throw new MqError('MQ_INVALID_URL', 'The URL of a Redis has no query and no fragment; use the options of redis()')
  }
  return url
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    const rule = "percent-encode '%', '/', '@', ':', '#' and '?'"
    throw new MqError('MQ_INVALID_URL', `User or password in the URL of the Redis cannot be read: ${rule}`)
  }
}

function text(value: unknown, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw new TypeError(`${name} must be a string, not ${typeof value}`)
}

function database(given: unknown, path: string): number {
  if (given !== undefined) {
    if (typeof given !== 'number') throw new TypeError(`db must be a number, not ${typeof given}`)
    if (Number.isInteger(given) && given >= 0) return given
    throw new MqError('MQ_INVALID_OPTION', `db must be a whole number from 0, not ${given}`)
  }
  const number = /^\/?(\d*)$/.exec(path)?.[1]
  if (number === undefined)
    throw new MqError('MQ_INVALID_URL', `The path of the URL is a database number, as in ${example}`)
  return Number(number)
}

function tlsOf(given: unknown, at: { readonly secure: boolean; readonly host: string }): ConnectionOptions | undefined {
  if (given !== undefined && given !== true && (typeof given !== 'object' || given === null)) {
    throw new TypeError('tls must be true or the options of tls.connect')
  }
  if (given === undefined && !at.secure) return undefined
  // A server name that is an address is no name for SNI.
  const name = /[a-z]/i.test(at.host) && !at.host.includes(':') ? { servername: at.host } : {}
  return { ...name, ...(given === true ? {} : (given as ConnectionOptions | undefined)) }
}
