import { createHash, randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { imageOf } from '../install/versions.js'
import { recordScript } from '../sources/beside.js'
import type { Place, Recipe } from '../sources/machine.js'
import type { Certificates } from '../tls.js'
import type { RabbitOptions, RabbitUser } from './options.js'

export const rabbitImage = (): string => process.env.MQ_TEST_RABBITMQ_IMAGE ?? imageOf('rabbitmq', 'rabbitmq:4')

const everything = { configure: '.*', write: '.*', read: '.*' }

export interface RabbitPrograms {
  /** The scripts themselves. Debian's wrappers on the PATH change the user. */
  readonly server: string
  readonly epmd: string
}

export interface RabbitPorts {
  readonly amqp: number
  readonly distribution: number
  readonly epmd: number
  /** The port of the management API, if it is switched on. */
  readonly management?: number
}

export function rabbitRecipe(parts: {
  options: RabbitOptions
  users: Readonly<Record<string, RabbitUser>>
  ports: RabbitPorts
  programs: RabbitPrograms
  certificates: Certificates | undefined
}): Recipe {
  const { certificates, ports, programs } = parts
  const cookie = randomBytes(20).toString('hex')
  return {
    kind: 'rabbitmq',
    image: rabbitImage(),
    ports: [ports.amqp, ports.distribution, ports.epmd, ...managementPorts(ports)],
    published: [ports.amqp, ...managementPorts(ports)],
    files: (place) => ({
      'rabbitmq.conf': configuration({ ...parts, place }),
      'definitions.json': JSON.stringify(definitions(parts.users, ports), undefined, 2),
      enabled_plugins: ports.management === undefined ? '[].\n' : '[rabbitmq_management].\n',
      'no-environment.conf': '',
      cookie,
      'environment.sh': environment({ place, ports, programs, application: parts.options.application ?? {} }),
      'boot.sh': boot(place, programs),
      'record.sh': recordScript,
      ...(certificates && { 'ca.pem': certificates.ca, 'cert.pem': certificates.cert, 'key.pem': certificates.key }),
    }),
  }
}

const managementPorts = ({ management }: RabbitPorts): readonly number[] =>
  management === undefined ? [] : [management]

export function configuration(parts: { options: RabbitOptions; ports: RabbitPorts; place: Place }): string {
  const { options, ports, place } = parts
  const { memoryWatermark: watermark } = options
  const address = `${place.bind}:${ports.amqp}`
  const file = (name: string): string => `${place.folder}/${name}`
  const lines = [
    ...(options.tls
      ? ['listeners.tcp = none', `listeners.ssl.1 = ${address}`, `ssl_options.cacertfile = ${file('ca.pem')}`]
      : [`listeners.tcp.1 = ${address}`]),
    ...(options.tls ? [`ssl_options.certfile = ${file('cert.pem')}`, `ssl_options.keyfile = ${file('key.pem')}`] : []),
    ...(options.tls ? ['ssl_options.verify = verify_none', 'ssl_options.fail_if_no_peer_cert = false'] : []),
    ...managementPorts(ports).flatMap((port) => [`management.tcp.ip = ${place.bind}`, `management.tcp.port = ${port}`]),
    `load_definitions = ${file('definitions.json')}`,
    // In a container every connection comes from outside.
    'loopback_users = none',
    ...(watermark === undefined
      ? []
      : [`vm_memory_high_watermark.${typeof watermark === 'number' ? 'relative' : 'absolute'} = ${watermark}`]),
    // A test must not depend on the free disk space of the machine.
    'disk_free_limit.absolute = 1MB',
    'log.console = true',
    'log.console.level = warning',
    ...Object.entries(options.config ?? {}).map(([name, value]) => `${name} = ${value}`),
  ]
  return `${lines.join('\n')}\n`
}

export function definitions(
  users: Readonly<Record<string, RabbitUser>>,
  ports: Pick<RabbitPorts, 'management'> = {},
): object {
  const entries = Object.entries(users)
  return {
    vhosts: [{ name: '/' }],
    users: entries.map(([name, { password }]) => ({
      name,
      password_hash: hash(password),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: ports.management === undefined ? [] : ['monitoring'],
    })),
    permissions: entries.map(([user, { permissions = everything }]) => ({ user, vhost: '/', ...permissions })),
  }
}

/** Returns the password in RabbitMQ's form: salt, then the hash of salt and password. */
function hash(password: string): string {
  const salt = randomBytes(4)
  const digest = createHash('sha256').update(salt).update(password).digest()
  return Buffer.concat([salt, digest]).toString('base64')
}

/** The settings that the server and rabbitmqctl share, so that both use the same node. */
export function environment(parts: {
  place: Place
  ports: RabbitPorts
  programs: RabbitPrograms
  application: Readonly<Record<string, number>>
}): string {
  const { place, ports, programs } = parts
  const isNative = place.source === 'native'
  const application = Object.entries(parts.application).map(([name, value]) => ` -rabbit ${name} ${value}`)
  const variables = {
    HOME: place.folder,
    RABBITMQ_NODENAME: `mq${ports.amqp}@localhost`,
    RABBITMQ_CONFIG_FILE: `${place.folder}/rabbitmq.conf`,
    RABBITMQ_CONF_ENV_FILE: `${place.folder}/no-environment.conf`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${place.folder}/enabled_plugins`,
    RABBITMQ_MNESIA_BASE: `${place.folder}/data`,
    RABBITMQ_LOG_BASE: `${place.folder}/log`,
    RABBITMQ_LOGS: '-',
    RABBITMQ_DIST_PORT: String(ports.distribution),
    // With this setting the start script becomes the server. Otherwise it waits for it.
    RABBITMQ_ALLOW_INPUT: 'true',
    // Idle schedulers sleep instead of spinning, because tests share few cores with the broker.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-noinput +sbwt none +sbwtdcpu none +sbwtdio none${
      isNative ? ' -kernel inet_dist_use_interface {127,0,0,1}' : ''
    }${application.join('')}`,
    ...(isNative && { ERL_EPMD_PORT: String(ports.epmd), ERL_EPMD_ADDRESS: '127.0.0.1' }),
    ...(isNative && { PATH: `${dirname(programs.server)}:${dirname(programs.epmd)}:${process.env.PATH ?? ''}` }),
  }
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`)
  return `${exports.join('\n')}\n`
}

function boot(place: Place, programs: RabbitPrograms): string {
  const lines = ['. ./environment.sh', 'mkdir -p data log', 'cp -n cookie .erlang.cookie', 'chmod 400 .erlang.cookie']
  if (place.source === 'docker') return `${[...lines, 'exec rabbitmq-server'].join('\n')}\n`
  // RabbitMQ would start Erlang's name server as a daemon that outlives it. This one is ours, and records its id.
  lines.push(`/bin/sh ./record.sh epmd.pid '${programs.epmd}' &`)
  lines.push(`until '${programs.epmd}' -names >/dev/null 2>&1; do sleep 0.02; done`, `exec '${programs.server}'`)
  return `${lines.join('\n')}\n`
}
