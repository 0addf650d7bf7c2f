import { randomUUID } from 'node:crypto'
import type { StartedBroker, Subject } from '../../../src/conformance/subject.js'
import outside from './outside-adapter.js'

/** The names of the called functions, for a test to check. */
export const called: string[] = []

export default outside

export const subject: Omit<Subject<StartedBroker>, 'adapter'> = {
  options: { url: 'memory:' },
  async start() {
    called.push('start')
    return { broker: 'a broker of the tests', options: { url: `memory://${randomUUID()}` } }
  },
  async stop() {
    called.push('stop')
  },
  quietMs: 20,
}
