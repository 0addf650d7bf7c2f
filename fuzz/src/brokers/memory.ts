import type { Adapter } from '@mq/core/adapter'
import { bytesOf } from '../blob.js'
import { bytesOfForeign, type Foreign, foreignGenerators } from '../generators/foreign.js'
import { taskGenerators } from '../generators/tasks.js'
import { type Enemy, settled, type Written } from '../hostile.js'

/** Of other programs alone: a publisher of ours checks ids, and knows one form of an event. */
const outsiders: readonly string[] = ['memory/ids', 'memory/structured']
/** By the contract of `RawMessage`. */
const maxIdBytes = 255

/** Nobody else can write to it: what is written goes through the adapter, as messages that no publisher of ours would make. */
export function memoryEnemy(adapterNow: () => Adapter): Enemy {
  async function write(topic: string, foreign: Foreign, { mark }: { readonly mark: string }): Promise<Written> {
    const { id, source, type, time, datacontenttype, partitionkey, ...extensions } = foreign.attributes
    const ownId = id === undefined || id === '' || Buffer.byteLength(id) > maxIdBytes ? mark : id
    const message = {
      id: ownId,
      source: source ?? '/fuzz',
      type: type ?? topic,
      time: time ?? new Date().toISOString(),
      ...(datacontenttype !== undefined && { contentType: datacontenttype }),
      ...(partitionkey !== undefined && { key: partitionkey }),
      extensions,
      headers: foreign.headers,
      body: bytesOf(foreign.body),
    }
    const signal = new AbortController().signal
    const [outcome] = await adapterNow().publish(topic, [message], { timeoutMs: 5_000, signal })
    const written = settled([mark, ownId], bytesOfForeign(foreign))
    return outcome?.status === 'stored' ? written : { ...written, fate: 'refused' }
  }

  return {
    name: 'memory',
    setup: { adapter: 'memory', options: {} },
    generators: [...foreignGenerators('memory', write), ...taskGenerators('memory', write)].filter(
      ({ name }) => !outsiders.includes(name),
    ),
    patienceMs: 10_000,
    maxEntryBytes: 64 * 1024 * 1024,
    keepsArenas: false,
    close: async () => undefined,
  }
}
