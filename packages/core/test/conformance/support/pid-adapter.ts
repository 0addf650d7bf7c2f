import { appendFileSync } from 'node:fs'
import memory from '../../../../memory/src/index.js'
import type { JsonObject } from '../../../src/conformance/subject.js'
import type { Adapter } from '../../../src/index.js'

/** Records the processes that create it, and breaks or loses its messages if the options say so. The group has a message for each worker. */
export default function pidAdapter({ pids, breaks, loses }: JsonObject): Adapter {
  appendFileSync(String(pids), `${process.pid}\n`)
  const adapter = memory()
  return {
    ...adapter,
    async connect() {
      if (breaks === true) throw new Error('this one never connects')
      await adapter.connect()
    },
    async consume(ref, options, handle) {
      const consumer = await adapter.consume(ref, options, handle)
      const message = { source: '/t', type: 't', time: '2026-01-01T00:00:00Z', extensions: {}, headers: {} }
      const call = { timeoutMs: 1_000, signal: AbortSignal.timeout(1_000) }
      await adapter.publish(ref.topic, [{ ...message, id: 'waiting', body: Buffer.from('1') }], call)
      if (loses === true) setTimeout(() => void consumer.stop({ timeoutMs: 0 }), 100)
      return consumer
    },
  }
}
