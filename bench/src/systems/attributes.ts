import { randomUUID } from 'node:crypto'

/** The CloudEvents attributes that ours writes beside a body, so that the raw drivers carry the same bytes. */
export const attributesOf = (topic: string) => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/mq',
  type: topic,
  time: new Date().toISOString(),
})

export const contentType = 'application/octet-stream'

/** Each attribute's name as a binding writes it. */
export function named(prefix: string, attributes: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name in attributes) headers[prefix + name] = attributes[name] as string
  return headers
}
