import { randomUUID } from 'node:crypto'

/** Returns the CloudEvents attributes that ours writes beside a body, so that the raw drivers send the same bytes. */
export const attributesOf = (topic: string) => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/mq',
  type: topic,
  time: new Date().toISOString(),
})

export const contentType = 'application/json'

/** Puts a prefix before each name, as the CloudEvents binding of a protocol does. */
export function named(prefix: string, attributes: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name in attributes) headers[prefix + name] = attributes[name] as string
  return headers
}
