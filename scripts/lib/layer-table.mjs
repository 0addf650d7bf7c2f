/**
 * The layers of each package, the lowest first; those that share a level stand in one list. A name is that of a folder or of a
 * file in `src`, and `*` takes every other file.
 *
 * A layer imports itself and the levels below it. `beside` declares an import between layers of one level, and `only` says that a
 * layer imports nothing but the named ones. A package without an entry is not checked.
 */
export const layerTable = {
  'packages/core': {
    levels: [
      'contract',
      'wire',
      'adapter-kit',
      ['publish', 'consume'],
      'queue',
      ['open', 'tasks'],
      ['index', 'adapter'],
      'conformance',
    ],
    // A handler's run is the cause of the messages that it publishes.
    beside: { consume: ['publish'] },
    // The suite tests adapters as an outsider would: by public names alone. Its command finds an adapter's package as `openQueue` does.
    only: { conformance: ['index', 'adapter', 'open'] },
  },
  'packages/cli': {
    levels: [
      ['exit-codes', 'version', 'terminal'],
      'output',
      'input',
      'session',
      'commands',
      'program',
      'run',
      ['index', 'main'],
    ],
  },
  'packages/page': {
    levels: [
      ['options', 'text'],
      ['http', 'hiding', 'assets'],
      'access',
      'broker',
      'jobs',
      'views',
      'live',
      'routes',
      'page',
      'fastify',
      'index',
    ],
  },
  'packages/asyncapi': {
    levels: ['schema', 'brokers', 'options', 'document', ['definitions', 'missing-schemas', 'text'], 'diff', 'index'],
  },
  'packages/opentelemetry': {
    levels: [
      ['names', 'topics', 'trace-context'],
      ['failures', 'propagation', 'providers'],
      ['batch-spans', 'gauges', 'trouble'],
      ['sending', 'processing'],
      'instrument',
      'index',
    ],
  },
  'packages/nestjs': {
    levels: [['tokens', 'metadata'], 'decorators', 'discover', 'call', 'module', 'index'],
  },
  'packages/memory': {
    levels: ['store', '*', 'testing'],
  },
  'packages/rabbitmq': {
    levels: [
      'options',
      'connection',
      'topology',
      'management',
      'wire',
      ['publish', 'consume'],
      'dead-letters',
      'pausing',
      'diagnose',
      'rabbitmq',
      'index',
    ],
  },
  'packages/redis': {
    levels: [
      'options',
      'connection',
      'wire',
      ['publish', 'consume'],
      'dead-letters',
      'inspect',
      'diagnose',
      ['redis', 'store'],
      'index',
    ],
  },
  'packages/postgres': {
    levels: [
      'options',
      'connection',
      'topology',
      'wire',
      'publish',
      'consume',
      'inspect',
      ['dead-letters', 'stats', 'diagnose', 'migrations', 'inbox', 'outbox', 'store'],
      'postgres',
      'index',
    ],
  },
  'packages/kafka': {
    levels: [
      'driver',
      'options',
      'connection',
      'topology',
      'wire',
      ['publish', 'consume'],
      'dead-letters',
      ['diagnose', 'inspect'],
      ['kafka', 'member-thread'],
      'index',
    ],
    // Retries and dead letters are published.
    beside: { consume: ['publish'] },
  },
}
