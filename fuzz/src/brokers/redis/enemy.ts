import type { RedisServer } from '@mq/test-brokers'
import { type Foreign, foreignGenerators } from '../../generators/foreign.js'
import { taskGenerators } from '../../generators/tasks.js'
import type { Enemy, Written } from '../../hostile.js'
import { rawRedis } from './command.js'
import { addEntry, entryGenerators } from './entries.js'
import { keysOf } from './keys.js'
import { structureGenerators } from './structures.js'

export async function redisEnemy({ url }: Pick<RedisServer, 'url'>): Promise<Enemy> {
  const raw = rawRedis(url)
  async function write(
    topic: string,
    { attributes, headers, body }: Foreign,
    { mark }: { readonly mark: string },
  ): Promise<Written> {
    const text = (value: string) => ({ text: value })
    const fields = [
      ...Object.entries(attributes).map(([name, value]) => [text(name), text(value)] as const),
      ...Object.entries(headers).map(([name, value]) => [text(`header:${name}`), text(value)] as const),
      [text('data'), body] as const,
    ]
    return await addEntry(raw, keysOf({ topic, group: '' }).stream, { fields }, mark)
  }

  return {
    name: 'redis',
    // A claim that somebody else took comes back within the patience of a round.
    setup: { adapter: 'redis', options: { url, visibilityMs: 4_000 } },
    generators: [
      ...entryGenerators(raw),
      ...structureGenerators(raw),
      ...foreignGenerators('redis', write),
      ...taskGenerators('redis', write),
    ],
    patienceMs: 10_000,
    maxEntryBytes: 512 * 1024 * 1024,
    keepsArenas: false,
    close: async () => raw.close(),
  }
}
