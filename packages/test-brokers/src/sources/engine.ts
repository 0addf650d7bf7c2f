import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'

/** The timeout for a Docker engine: long for a local one, and short enough if there is none. */
const answerMs = 2_000

let answered: Promise<boolean> | undefined

/**
 * Returns whether a Docker engine answers. Checks once. Without a socket testcontainers is not loaded, so it costs
 * nothing.
 */
export function engineAnswers(): Promise<boolean> {
  answered ??= look()
  return answered
}

async function look(): Promise<boolean> {
  // testcontainers itself reads an address in its settings.
  const configured = process.env.DOCKER_HOST !== undefined || existsSync(join(homedir(), '.testcontainers.properties'))
  if (configured) return await runtimeAnswers()
  const pings = await Promise.all(sockets().map(ping))
  return pings.includes(true)
}

/** The places where testcontainers looks for an engine. */
function sockets(): string[] {
  if (process.platform === 'win32') return ['//./pipe/docker_engine']
  const runtime = process.env.XDG_RUNTIME_DIR ?? `/run/user/${userInfo().uid}`
  return [
    '/var/run/docker.sock',
    join(runtime, 'docker.sock'),
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.docker/desktop/docker.sock'),
  ].filter((path) => existsSync(path))
}

async function ping(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const ask = request({ socketPath, path: '/_ping', timeout: answerMs }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ask.once('timeout', () => ask.destroy())
    ask.once('error', () => resolve(false))
    ask.once('close', () => resolve(false))
    ask.end()
  })
}

async function runtimeAnswers(): Promise<boolean> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), answerMs)
  })
  const works = getContainerRuntimeClient().then(
    () => true,
    () => false,
  )
  return await Promise.race([works, late]).finally(() => clearTimeout(timer))
}
