import { askedPrograms, prepareAsked } from '../install/debian.js'
import { findProgram } from '../install/find.js'
import type { NativeSource } from '../sources/choose.js'

export const nativeRedis: NativeSource = {
  kind: 'redis',
  packages: ['redis-server'],
  obstacle: () =>
    askedPrograms('redis') === undefined && program() === undefined ? 'no redis-server on the PATH' : undefined,
  prepare: () => prepareAsked('redis'),
  advice: 'redis-server on the PATH, as by `apt-get install redis-server` or `brew install redis`',
}

export const redisProgram = (): string => program() ?? 'redis-server'

/** Returns the beginning of a shell line that finds the redis-cli of the asked version first. */
export function redisPath(source: 'native' | 'docker'): string {
  const asked = source === 'native' ? askedPrograms('redis') : undefined
  return asked === undefined ? '' : `PATH='${asked}':"$PATH" `
}

function program(): string | undefined {
  const asked = askedPrograms('redis')
  return findProgram('redis-server', asked === undefined ? [] : [asked])
}
