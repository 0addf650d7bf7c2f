import type { ConnectionOptions } from 'node:tls'
import { integerOption, MqError, textOption, tlsOption } from '@mq/core/adapter'

export interface Address {
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: PostgresPassword | undefined
  readonly database: string | undefined
  readonly tls: ConnectionOptions | undefined
  /** Whether TLS begins at once, without asking the server in plain text first. */
  readonly isDirectTls: boolean
}

/** A password, or a function that is asked for it before each connection, for tokens that expire. */
export type PostgresPassword = string | (() => string | Promise<string>)

export interface AddressOptions {
  readonly url?: string | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly user?: string | undefined
  readonly password?: PostgresPassword | undefined
  readonly database?: string | undefined
  readonly tls?: ConnectionOptions | boolean | undefined
}

const example = 'postgres://user:password@host:5432/database'

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. No error shows the URL, because it may contain a password. */
export function addressOf(options: AddressOptions): Address {
  const url = parsed(options.url ?? 'postgres://localhost')
  const host = textOption(options, 'host', { mayBeEmpty: false }) ?? hostOf(url)
  const mode = url.searchParams.get('sslmode') ?? undefined
  const password = passwordOf(options.password) ?? decoded(url.password)
  return {
    host,
    port: integerOption(options, 'port', { fallback: Number(url.port || 5432), min: 1, max: 65_535 }),
    user: textOption(options, 'user') ?? decoded(url.username),
    password,
    database: textOption(options, 'database') ?? decoded(url.pathname.slice(1)),
    tls: tlsOf(options, { mode, host }),
    isDirectTls: isDirect(url.searchParams.get('sslnegotiation')),
  }
}

/** Returns how an error names the address. */
export const whereOf = ({ host, port }: Address): string => (host.startsWith('/') ? host : `${host}:${port}`)

function parsed(value: unknown): URL {
  if (typeof value !== 'string') throw new TypeError(`url must be a string, not ${typeof value}`)
  let url: URL
  try {
    url = new URL(value)
  } catch {
    // The parser's error contains the URL, so it must not become the cause.
    throw new MqError('MQ_INVALID_URL', `The PostgreSQL URL cannot be parsed; it looks like ${example}`)
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new MqError('MQ_INVALID_URL', `A PostgreSQL URL begins with postgres:// or postgresql://, as in ${example}`)
  }
  const known = ['sslmode', 'sslnegotiation', 'host']
  const unknown = [...url.searchParams.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined || url.hash !== '') {
    const text = `A PostgreSQL URL may have the parameters ${known.join(', ')}; use the options of postgres() for others`
    throw new MqError('MQ_INVALID_URL', text)
  }
  if (hostOf(url) === '')
    throw new MqError('MQ_INVALID_URL', `The PostgreSQL URL has no host; it looks like ${example}`)
  return url
}

/** The parameter `host` names the folder of a unix socket, which cannot stand where a URL has its host. */
const hostOf = (url: URL): string =>
  url.searchParams.get('host') ?? (decoded(url.hostname) ?? '').replace(/^\[(.*)\]$/, '$1')

function decoded(part: string): string | undefined {
  if (part === '') return undefined
  try {
    return decodeURIComponent(part)
  } catch {
    const rule = "percent-encode '%', '/', '@', ':', '#' and '?'"
    throw new MqError('MQ_INVALID_URL', `A part of the PostgreSQL URL cannot be decoded: ${rule}`)
  }
}

function passwordOf(password: unknown): PostgresPassword | undefined {
  if (password === undefined || typeof password === 'string') return password
  if (typeof password === 'function') return password as PostgresPassword
  throw new TypeError('password must be a string, or a function that returns one')
}

/** An unknown certificate is never accepted unless somebody says so: `require` checks it too. */
function tlsOf(options: AddressOptions, url: { readonly mode: string | undefined; readonly host: string }) {
  const given = tlsOption(options, { or: [true, false] })
  if (options.tls === false) return undefined
  if (given !== undefined) return withName(given, url.host)
  switch (url.mode) {
    case undefined:
    case 'disable':
      return undefined
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return withName({}, url.host)
    case 'no-verify':
      return { rejectUnauthorized: false }
    default: {
      const modes = 'disable, require, verify-ca, verify-full and no-verify'
      throw new MqError('MQ_INVALID_URL', `sslmode is one of ${modes}; the others would fall back to plain text`)
    }
  }
}

/** SNI takes names only, not IP addresses. */
const withName = (tls: ConnectionOptions, host: string): ConnectionOptions =>
  /[a-z]/i.test(host) && !host.includes(':') ? { servername: host, ...tls } : tls

function isDirect(negotiation: string | null): boolean {
  if (negotiation === null || negotiation === 'postgres') return false
  if (negotiation === 'direct') return true
  throw new MqError('MQ_INVALID_URL', 'sslnegotiation is postgres or direct')
}
