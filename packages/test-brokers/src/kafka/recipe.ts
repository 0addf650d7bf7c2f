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

function boot(options: KafkaOptions, parts: JavaPlace): string {
  const { classPath, format, run } = javaLines(options, parts)
  return [
    classPath,
    // Passwords for SCRAM live in Kafka's own log, which only the formatting can begin.
    `test -f data/meta.properties || ${format('server.properties', scram(options))} || exit 1`,
    `exec ${run('server.properties')}`,
    '',
  ].join('\n')
}

interface JavaPlace {
  readonly place: Place
  readonly native: NativeKafka | undefined
}

/** Lines of a shell that prepare and run a Kafka with a file of properties. */
export function javaLines(options: KafkaOptions, { place, native }: JavaPlace) {
  const isNative = native !== undefined && place.source === 'native'
  const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto']
  const java = [isNative ? native.java : 'java', ...quick].map(quote).join(' ')
  const broker = [
    `-Xmx${options.heapMb ?? 320}m`,
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    ...(options.javaOptions ?? []),
  ]
  return {
    classPath: `CLASSPATH=${quote(isNative ? `${native.jars}/*` : '/opt/kafka/libs/*')}\nexport CLASSPATH`,
    format: (file: string, args: readonly string[] = []): string =>
      `${java} ${['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file, ...args].map(quote).join(' ')}`,
    run: (file: string): string => `${java} ${broker.map(quote).join(' ')} kafka.Kafka ${quote(file)}`,
  }
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
