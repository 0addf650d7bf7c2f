import { type QueueConfig, queueConfigFromEnv } from '@mq/core'

type Env = Readonly<Record<string, string | undefined>>

/** Chooses the broker: the flag, else `MQ_URL`, else the embedded one. Throws `MQ_INVALID_CONFIG`. */
export function brokerConfig(flag: string | undefined, env: Env): QueueConfig {
  return queueConfigFromEnv(flag === undefined ? env : { ...env, MQ_URL: flag }, { url: 'memory:' })
}

/** Says whether the broker is in this process, so that no other process can reach it. */
export const isEmbedded = (url: string): boolean => /^memory:/i.test(url)

/** Says whether a URL leads to PostgreSQL. */
export const isPostgres = (url: string): boolean => /^postgres(ql)?:/i.test(url)

/** Chooses the database of the users: the flag, else `DEMO_DATABASE_URL`, else the broker if it is one. */
export const databaseUrl = (flag: string | undefined, env: Env, brokerUrl: string): string | undefined =>
  flag ?? (env.DEMO_DATABASE_URL || undefined) ?? (isPostgres(brokerUrl) ? brokerUrl : undefined)

/** Returns scheme, host and path of a URL. The rest, before an `@` or after a `?`, may be secret. */
export const shownUrl = (url: string): string => url.replace(/:\/\/.*@/s, '://***@').replace(/[?#].*$/s, '')

/** Masks the user, the password and the query of the URL in a text: a driver may have put them there. */
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
