import { createHash } from 'node:crypto'
import { imageOf } from '../install/versions.js'
import type { Place, Recipe } from '../sources/machine.js'
import type { Certificates } from '../tls.js'
import type { RedisOptions } from './options.js'

export const redisImage = (): string => process.env.MQ_TEST_REDIS_IMAGE ?? imageOf('redis', 'redis:8')

export function redisRecipe(parts: {
  options: RedisOptions
  port: number
  program: string
  certificates: Certificates | undefined
}): Recipe {
  const { options, port, program, certificates } = parts
  return {
    kind: 'redis',
    image: redisImage(),
    ports: [port],
    published: [port],
    files(place) {
      const command = place.source === 'native' ? program : 'redis-server'
      return {
        'redis.conf': configuration({ options, port, place, isSecure: certificates !== undefined }),
        'boot.sh': `mkdir -p data && exec '${command}' ./redis.conf\n`,
        ...(certificates && { 'ca.pem': certificates.ca, 'cert.pem': certificates.cert, 'key.pem': certificates.key }),
      }
    },
  }
}

function configuration(parts: { options: RedisOptions; port: number; place: Place; isSecure: boolean }): string {
  const { options, port, place, isSecure } = parts
  const file = (name: string): string => `${place.folder}/${name}`
  const users = Object.entries(options.users ?? {})
  const lines = [
    `bind ${place.bind}`,
    'protected-mode no',
    ...(isSecure
      ? ['port 0', `tls-port ${port}`, `tls-cert-file ${file('cert.pem')}`, `tls-key-file ${file('key.pem')}`]
      : [`port ${port}`]),
    ...(isSecure ? [`tls-ca-cert-file ${file('ca.pem')}`, 'tls-auth-clients no'] : []),
    'daemonize no',
    'dir data',
    // Confirmed writes are on disk, because a killed server must not lose them.
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'maxmemory-policy noeviction',
    ...(options.maxmemory === undefined ? [] : [`maxmemory ${options.maxmemory}`]),
    ...(options.password === undefined ? [] : [`requirepass ${JSON.stringify(options.password)}`]),
    // The hash is used because a plain password could not contain a space.
    ...users.map(([name, { password, rules }]) => `user ${name} on #${sha256(password)} ${rules}`),
    ...Object.entries(options.config ?? {}).map(([name, value]) => `${name} ${value}`),
  ]
  return `${lines.join('\n')}\n`
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
