import memory from '../../../../memory/src/index.js'
import type { JsonObject } from '../../../src/conformance/subject.js'
import type { Adapter } from '../../../src/index.js'

/**
 * The memory adapter, which claims not to be embedded. With `forgets` it reports every message as stored and stores
 * none.
 */
export default function outside({ url, forgets, password }: JsonObject): Adapter {
  const adapter = memory({ url: String(url) })
  const capabilities = { ...adapter.capabilities, embedded: false }
  if (password === 'wrong') throw new TypeError('The options do not fit')
  if (forgets !== true) return { ...adapter, capabilities }
  return {
    ...adapter,
    capabilities,
    publish: async (_, messages) => messages.map(() => ({ status: 'stored', routed: 'yes' })),
  }
}
