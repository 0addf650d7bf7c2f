import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { askedPrograms, prepareAsked } from '../install/debian.js'
import { findProgram } from '../install/find.js'
import type { NativeSource } from '../sources/choose.js'
import type { RabbitPrograms } from './recipe.js'

/** Debian's folder of the scripts. Those on the PATH require root or the user `rabbitmq`, and change to it. */
const debian = ['/usr/lib/rabbitmq/bin']

export const nativeRabbit: NativeSource = {
  kind: 'rabbitmq',
  packages: ['rabbitmq-server'],
  obstacle() {
    if (askedPrograms('rabbitmq') !== undefined) return undefined
    if (server() === undefined) return 'no rabbitmq-server on the PATH'
    return epmd() === undefined ? "no epmd, Erlang's name server, on the PATH" : undefined
  },
  prepare: () => prepareAsked('rabbitmq'),
  advice: 'rabbitmq-server on the PATH, as by `apt-get install rabbitmq-server` or `brew install rabbitmq`',
}

export const rabbitPrograms = (): RabbitPrograms => ({ server: server() ?? 'rabbitmq-server', epmd: epmd() ?? 'epmd' })

const server = (): string | undefined => findProgram('rabbitmq-server', asked() ?? debian)

const asked = (): readonly string[] | undefined => {
  const folder = askedPrograms('rabbitmq')
  return folder === undefined ? undefined : [folder]
}

let found: string | undefined

function epmd(): string | undefined {
  found ??= findProgram('epmd', asked()) ?? epmdOfErlang()
  return found
}

/** Finds epmd, which some installations keep only inside Erlang. */
function epmdOfErlang(): string | undefined {
  const erl = findProgram('erl')
  if (erl === undefined) return undefined
  const code = 'io:put_chars(filename:join([code:root_dir(), "erts-" ++ erlang:system_info(version), "bin"])), halt().'
  const folder = execFileSync(erl, ['-noshell', '-boot', 'start_clean', '-eval', code], { encoding: 'utf8' })
  return findProgram('epmd', [folder, join(dirname(folder), 'bin')])
}
