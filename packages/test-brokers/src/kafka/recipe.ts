import type { NativeKafka } from '../install/kafka.js'
import { quickJava } from '../install/kafka-archive.js'
import { quote } from '../run/quote.js'
import type { Place, Recipe } from '../sources/machine.js'
import type { Certificates } from '../tls.js'
import type { KafkaOptions } from './options.js'
import { allMechanisms, type KafkaPorts, properties } from './properties.js'

/** Any valid id, because nothing else ever joins this cluster. */
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
    image: kafkaImage(version),
    ports: [
      ports.client,
      ports.broker,
      ports.controller,
      ...ports.slots.flatMap(({ target, advertised }) => [target, advertised]),
    ],
    published: [ports.client, ...ports.slots.map(({ target }) => target)],
    files: (place) => ({
      'server.properties': properties(options, { ports, place }),
      'boot.sh': kafkaScript(options, { place, native, file: 'server.properties', data: 'data' }),
      ...(certificates && { 'ca.pem': certificates.ca, 'keystore.pem': `${certificates.key}${certificates.cert}` }),
    }),
  }
}

export const kafkaImage = (version: string): string => process.env.MQ_TEST_KAFKA_IMAGE ?? `apache/kafka:${version}`

export interface KafkaScript {
  readonly place: Place
  readonly native: NativeKafka | undefined
  /** The file with the properties. */
  readonly file: string
  /** The folder of the log, as in the properties. */
  readonly data: string
}

/** Returns a shell script that becomes a Kafka. It formats the log first if there is none. */
export function kafkaScript(options: KafkaOptions, { place, native, file, data }: KafkaScript): string {
  const isNative = native !== undefined && place.source === 'native'
  const archive = isNative && native.archive !== undefined ? [`-XX:SharedArchiveFile=${native.archive}`] : []
  const java = [isNative ? native.java : 'java', ...quickJava, ...archive].map(quote).join(' ')
  const broker = [
    `-Xmx${options.heapMb ?? 320}m`,
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    ...(options.javaOptions ?? []),
  ]
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file, ...scram(options)]
  return [
    `CLASSPATH=${quote(isNative ? `${native.jars}/*` : '/opt/kafka/libs/*')}`,
    'export CLASSPATH',
    // SCRAM passwords are in Kafka's own log, so only formatting can set the first ones.
    `test -f ${data}/meta.properties || ${java} ${format.map(quote).join(' ')} || exit 1`,
    `exec ${java} ${broker.map(quote).join(' ')} kafka.Kafka ${quote(file)}`,
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
