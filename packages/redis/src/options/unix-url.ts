import { MqError } from '@mq/core/adapter'

/** The parts of a URL of a unix socket, decoded. */
export interface UnixUrl {
  readonly path: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
}

const example = 'redis+unix://user:password@/run/redis.sock?db=0'
const pattern =
  /^(?:redis\+unix|unix):(?:\/\/(?:([^/?#@:]*)(?::([^/?#@]*))?@)?)?(\/(?!\/)[^?#]*[^?#/])(?:\?db=(\d{1,9}))?$/i

export const isUnixUrl = (url: string): boolean => /^(?:redis\+unix|unix):/i.test(url)

/** Reads the URL of a unix socket. Node's parser refuses a login without a host. Throws `MQ_INVALID_URL`, which does not show the URL. */
export function unixUrlOf(url: string): UnixUrl {
  const found = pattern.exec(url)
  if (found === null) throw new MqError('MQ_INVALID_URL', `The URL of a unix socket looks like ${example}`)
  const [, username, password, path = '', db = '0'] = found
  return {
    path: decoded(path),
    username: decoded(username) || undefined,
    password: decoded(password) || undefined,
    db: Number(db),
  }
}

function decoded<Part extends string | undefined>(part: Part): Part {
  try {
    return part === undefined ? part : (decodeURIComponent(part) as Part)
  } catch {
    throw new MqError('MQ_INVALID_URL', `The URL of a unix socket cannot be decoded; it looks like ${example}`)
  }
}
