import type { ConnectionOptions } from 'node:tls'
import { integerOption, MqError, textOption, tlsOption } from '@mq/core/adapter'
import { isUnixUrl, unixUrlOf } from './unix-url.js'

export interface Address {
  readonly host: string
  readonly port: number
  /** The unix socket, which replaces host and port. */
  readonly path: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  readonly tls: ConnectionOptions | undefined
}

export interface AddressOptions {
  readonly url?: string | undefined
  readonly path?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly db?: number | undefined
  readonly tls?: ConnectionOptions | true | undefined
}

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. No error shows the URL, because it may contain a password. */
export function addressOf(options: AddressOptions): Address {
  const path = textOption(options, 'path')
  if (path === '' || path?.includes('\0')) throw new MqError('MQ_INVALID_OPTION', 'path is the path of a unix socket')
  const address =
    typeof options.url === 'string' && isUnixUrl(options.url)
      ? unixAddressOf(options, options.url)
      : { ...tcpAddressOf(options), path }
  if (address.path !== undefined && address.tls !== undefined) {
    throw new MqError('MQ_INVALID_OPTION', 'A unix socket has no TLS')
  }
  return address
}

/** Returns how an error names the address. */
export const whereOf = ({ host, port, path }: Address): string => path ?? `${host}:${port}`

function unixAddressOf(options: AddressOptions, text: string): Address {
  const url = unixUrlOf(text)
  return {
    host: 'localhost',
    port: 6379,
    path: options.path ?? url.path,
    username: textOption(options, 'username') ?? url.username,
    password: textOption(options, 'password') ?? url.password,
    db: integerOption(options, 'db', { fallback: url.db, min: 0 }),
    tls: tlsOf(options, { isSecure: false, host: '' }),
  }
}

function tcpAddressOf(options: AddressOptions): Omit<Address, 'path'> {
  const url = parsed(options.url ?? 'redis://localhost:6379')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const isSecure = url.protocol === 'rediss:'
  return {
    host,
    port: Number(url.port || 6379),
    username: textOption(options, 'username') ?? decoded(url.username),
    password: textOption(options, 'password') ?? decoded(url.password),
    db: options.db === undefined ? databaseOf(url.pathname) : integerOption(options, 'db', { fallback: 0, min: 0 }),
    // Sentinels and cluster nodes can be given without a URL. The default host must not become the TLS server name then.
    tls: tlsOf(options, { isSecure, host: options.url === undefined ? '' : host }),
  }
}

const example = 'redis://user:password@host:6379/0'

function parsed(value: unknown): URL {
  if (typeof value !== 'string') throw new TypeError(`url must be a string, not ${typeof value}`)
  let url: URL
  try {
    url = new URL(value)
  } catch {
    // The parser's error contains the URL, so it must not become the cause.
    throw new MqError('MQ_INVALID_URL', `The Redis URL cannot be parsed; it looks like ${example}`)
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new MqError(
      'MQ_INVALID_URL',
      `A Redis URL begins with redis://, rediss:// or redis+unix://, as in ${example}`,
    )
  }
  if (url.hostname === '') throw new MqError('MQ_INVALID_URL', `The Redis URL has no host; it looks like ${example}`)
  if (url.search !== '' || url.hash !== '') {
    throw new MqError('MQ_INVALID_URL', 'A Redis URL has no query and no fragment; use the options of redis()')
  }
  return url
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    const rule = "percent-encode '%', '/', '@', ':', '#' and '?'"
    throw new MqError('MQ_INVALID_URL', `The user or password in the Redis URL cannot be decoded: ${rule}`)
  }
}

function databaseOf(path: string): number {
  const number = /^\/?(\d*)$/.exec(path)?.[1]
  if (number !== undefined) return Number(number)
  throw new MqError('MQ_INVALID_URL', `The path of a Redis URL is a database number, as in ${example}`)
}

function tlsOf(
  options: AddressOptions,
  at: { readonly isSecure: boolean; readonly host: string },
): ConnectionOptions | undefined {
  const given = tlsOption(options, { or: [true] })
  if (given === undefined && !at.isSecure) return undefined
  // SNI takes names only, not IP addresses.
  const isName = /[a-z]/i.test(at.host) && !at.host.includes(':')
  return { ...(isName && { servername: at.host }), ...given }
}
