import { type QueueConfig, queueConfigFromEnv } from '@mq/core'

type Env = Readonly<Record<string, string | undefined>>

/** The one value that says which broker: the flag, else `MQ_URL`, else the embedded one. Throws `MQ_INVALID_CONFIG`. */
export function brokerConfig(flag: string | undefined, env: Env): QueueConfig {
  return queueConfigFromEnv(flag === undefined ? env : { ...env, MQ_URL: flag }, { url: 'memory:' })
}

/** What the embedded broker holds, no other process sees. */
export const isEmbedded = (url: string): boolean => /^memory:/i.test(url)

/** Scheme, host and path: what is before an `@` or after a `?` may be secret. */
export const shownUrl = (url: string): string => url.replace(/:\/\/.*@/s, '://***@').replace(/[?#].*$/s, '')

/** The text without the user, password and query of the URL, wherever a driver may have put them. */
export function withoutSecrets(text: string, url: string): string {
  const [, credentials = ''] = /:\/\/(.*)@/s.exec(url) ?? []
  const password = credentials.slice(credentials.indexOf(':') + 1)
  const secrets = [url.slice(url.indexOf('?') + 1 || url.length), credentials, password, decoded(password)]
  return secrets.filter((secret) => secret !== '').reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
