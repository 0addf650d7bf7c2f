import type { NativeKafka } from '../install/kafka.js'
import type { Place, Recipe } from '../sources/machine.js'
import type { Certificates } from '../tls.js'
import type { KafkaOptions } from './options.js'
import { allMechanisms, type KafkaPorts, properties } from './properties.js'

/** Any id of the right form; nothing else ever joins this cluster. */
const clusterId = 'bXEtdGVzdC1icm9rZXJzIQ'

export function kafkaRecipe(parts: {
  options: KafkaOptions
  version: string
  ports: KafkaPorts
  native: NativeKafka | undefined
  certificates: Certificates | undefined
}): Recipe {
  const { options, version, ports, native, certificates } = parts
  return {
    kind: 'kafka',
    image: process.env.MQ_TEST_KAFKA_IMAGE ?? `apache/kafka:${version}`,
    ports: [
      ports.client,
      ports.broker,
      ports.controller,
      ...ports.slots.flatMap(({ target, advertised }) => [target, advertised]),
    ],
    published: [ports.client, ...ports.slots.map(({ target }) => target)],
    files: (place) => ({
      'server.properties': properties(options, { ports, place }),
      'boot.sh': boot(options, { place, native }),
      ...(certificates && { 'ca.pem': certificates.ca, 'keystore.pem': `${certificates.key}${certificates.cert}` }),
    }),
  }
}

function boot(options: KafkaOptions, { place, native }: { place: Place; native: NativeKafka | undefined }): string {
  const classes = native === undefined || place.source === 'docker' ? '/opt/kafka/libs/*' : `${native.jars}/*`
  const java = native === undefined || place.source === 'docker' ? 'java' : native.java
  const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto']
  const run = `${[java, ...quick].map(quote).join(' ')}`
  const broker = [
    `-Xmx${options.heapMb ?? 320}m`,
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    ...(options.javaOptions ?? []),
  ]
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', 'server.properties', ...scram(options)]
  return [
    `CLASSPATH=${quote(classes)}`,
    'export CLASSPATH',
    // Passwords for SCRAM live in Kafka's own log, which only the formatting can begin.
    `test -f data/meta.properties || ${run} ${format.map(quote).join(' ')} || exit 1`,
    `exec ${run} ${broker.map(quote).join(' ')} kafka.Kafka server.properties`,
    '',
  ].join('\n')
}

function scram({ users = {}, mechanisms = allMechanisms }: KafkaOptions): string[] {
  return mechanisms
    .filter((mechanism) => mechanism !== 'plain')
    .flatMap((mechanism) =>
      Object.entries(users).flatMap(([name, password]) => [
        '--add-scram',
        `${mechanism.toUpperCase()}=[name="${name}",password="${password}"]`,
      ]),
    )
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`
