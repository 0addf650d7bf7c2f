import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { environment } from './command.js'

export interface Registry {
  readonly url: string
  /** The lines of an `.npmrc` that make npm use this registry for our packages and no others. */
  readonly npmrc: string
  /** Resolves once its process has ended. */
  stop(): Promise<void>
}

const startMs = 60_000

/** Starts an empty private registry on loopback. It ends with this process, even if that is killed. */
export async function startRegistry(folder: string): Promise<Registry> {
  mkdirSync(folder, { recursive: true })
  const program = fileURLToPath(new URL('registry-process.mjs', import.meta.url))
  const child = fork(program, [folder], { cwd: folder, env: environment(), silent: true, execArgv: [] })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)))
  const ended = once(child, 'exit')

  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  try {
    const port = await portOf()
    const url = `http://127.0.0.1:${port}/`
    // npm publishes only with a token; this registry accepts any.
    const settings = { '@mq:registry': url, [`//127.0.0.1:${port}/:_authToken`]: 'rehearsal' }
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    return { url, npmrc: lines.join(''), stop }
  } catch (error) {
    await stop()
    throw error
  }

  async function portOf(): Promise<number> {
    const first = once(child, 'message', { signal: AbortSignal.timeout(startMs) })
    const dead = ended.then(() => Promise.reject(new Error('it ended')))
    try {
      const [message] = await Promise.race([first, dead])
      return (message as { readonly port: number }).port
    } catch (cause) {
      throw new Error(`The registry did not start:\n${output.join('')}`, { cause })
    }
  }
}
