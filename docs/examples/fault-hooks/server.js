import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const password = 'open-sesame-7'

/** Starts a Redis of our own, which syncs each write, so that it can be killed. */
export async function startRedis() {
  const port = randomInt(20_000, 30_000)
  const folder = await mkdtemp(join(tmpdir(), 'fault-hooks-'))
  const safe = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
  const args = ['--port', `${port}`, '--dir', folder, '--requirepass', password, ...safe]

  const run = async () => {
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    process.once('exit', () => child.kill('SIGKILL'))
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.includes('Ready to accept connections')) continue
      child.stdout.resume()
      return child
    }
    throw new Error('redis-server ended before it was ready')
  }
  let child = await run()

  const kill = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    kill,
    async restart() {
      child = await run()
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) await kill()
      await rm(folder, { recursive: true })
    },
    /**
     * Sends a command to the server itself, past the proxy. `input` becomes its last argument.
     * @param {readonly string[]} command
     * @param {Uint8Array} [input]
     * @returns {Promise<string>}
     */
    ask: (command, input) =>
      new Promise((resolve, reject) => {
        const all = ['-p', `${port}`, ...(input ? ['-x'] : []), ...command]
        const env = { ...process.env, REDISCLI_AUTH: password }
        const asking = execFile('redis-cli', all, { env }, (error, text) => (error ? reject(error) : resolve(text)))
        asking.stdin?.end(input)
      }),
  }
}
