import { createServer } from 'node:net'
import type { JsonObject } from '../../../src/conformance/subject.js'
import type { Adapter } from '../../../src/index.js'
import outside from './outside-adapter.js'

/** Leaves a socket open at each connect, and with `rejects` a rejection that nobody handles. */
export default function leaking({ url, rejects }: JsonObject): Adapter {
  const adapter = outside({ url })
  return {
    ...adapter,
    async connect() {
      createServer().listen(0, '127.0.0.1')
      if (rejects === true) void Promise.reject(new Error('forgotten by the adapter'))
      await adapter.connect()
    },
  }
}
