import type { BegunTransaction, Faults, JsonObject, StartedBroker, Subject } from '../../src/conformance/subject.js'
import { Broker } from './broker/broker.js'
import { foreign } from './broker/codec.js'
import { foreignTopic } from './broker/foreign.js'
import { planted } from './broker/mutation.js'
import { registry } from './broker/registry.js'
import type { WirePublish } from './broker/wire.js'
import type { MutantName } from './mutants.js'
import { startWorker } from './worker.js'

export interface FaultyBroker extends StartedBroker {
  readonly broker: string
  readonly options: { readonly broker: string }
  readonly server: Broker
}

const password = 'the-right-one'
let made = 0
let links = 0

/**
 * Creates a subject with test brokers of its own, their adapter and all faults. If a mutant is named, the adapter has that
 * fault.
 */
export function faultySubject({ mutant }: { readonly mutant?: MutantName } = {}): Subject<FaultyBroker> {
  const options: JsonObject = { broker: 'nobody', password, ...(mutant !== undefined && { mutant }) }
  return {
    adapter: new URL('broker/adapter-module.ts', import.meta.url),
    options,
    quietMs: 60,
    async start() {
      made += 1
      const name = `broker-${made}`
      const server = new Broker({ password, faulty: planted(mutant) })
      registry.add(name, server)
      return { broker: 'the test broker', options: { broker: name }, server }
    },
    async stop({ server, options: { broker } }) {
      server.kill()
      registry.remove(broker)
    },
    faults: faultsOf(options),
    begin: async ({ server }) => begin(server),
    startWorker: (_, program) => startWorker(program),
  }
}

/** A transaction that keeps what is published in it until it commits. */
function begin(server: Broker): BegunTransaction {
  const kept: [string, readonly WirePublish[]][] = []
  return {
    transaction: async (_, values) => kept.push(values as [string, readonly WirePublish[]]),
    async commit() {
      for (const [topic, messages] of kept) for (const message of messages) server.publish(topic, message)
    },
    async rollback() {},
  }
}

function faultsOf(options: JsonObject): Required<Faults<FaultyBroker>> {
  return {
    async kill({ server }) {
      server.kill()
    },
    async restart({ server }) {
      server.restart()
    },
    async cut({ server }) {
      server.network.cut()
    },
    async refuse({ server }) {
      server.network.refusing = true
    },
    async freeze({ server }, direction) {
      server.network.freeze(direction)
    },
    async slow({ server }, bytesPerSecond) {
      server.network.slow(bytesPerSecond)
    },
    async dropAnswer({ server }) {
      server.dropsNextAnswer = true
    },
    async block({ server }) {
      server.block(true)
    },
    async heal({ server }) {
      server.network.heal()
      server.dropsNextAnswer = false
      server.block(false)
    },
    connections: async ({ server }) => server.connections,
    async link({ server }) {
      links += 1
      const route = `link-${links}`
      const network = server.network.route(route)
      return {
        options: { route },
        cut: async () => network.cut(),
        async refuse() {
          network.refusing = true
        },
        freeze: async (direction) => network.freeze(direction),
        heal: async () => network.heal(),
        async close() {
          network.refusing = true
          network.cut()
        },
      }
    },
    leftovers: async ({ server }) => server.names,
    async destroy({ server }, ref) {
      server.delete(ref)
    },
    async publishForeign({ server }, topic, body) {
      const outcome = server.publish(topic, { message: foreign(body), delayMs: 0 })
      if (outcome.status === 'rejected') throw new Error(outcome.text)
    },
    async foreignPlaces({ server }, name) {
      server.createForeign(foreignTopic(name))
      return [name]
    },
    async writeForeign({ server }, at, body) {
      server.publish(foreignTopic(at), { message: foreign(body), delayMs: 0 })
    },
    wrongCredentials: (started) => ({
      options: { ...options, ...started.options, password: 'hunter2-secret' },
      secret: 'hunter2-secret',
    }),
    unreachable: () => ({ options: { ...options, password: 's3cret-value' }, secret: 's3cret-value' }),
    untrusted: (started) => ({ options: { ...options, ...started.options, tls: true } }),
  }
}
