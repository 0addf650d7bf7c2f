import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

export interface Monitor {
  /** The commands that clients have sent since then, without those of scripts. */
  readonly sent: readonly string[]
  stop(): void
}

/** Watches what a server runs. A plain socket is enough, and the driver's own monitor fails if a command comes together with the answer to its request. */
export async function monitor(url: string): Promise<Monitor> {
  const { hostname, port, password } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const sent: string[] = []
  createInterface({ input: socket }).on('line', (line) => {
    const [, command] = /^\+\d+\.\d+ \[\d+ (?!lua\])[^\]]*\] (.*)/.exec(line) ?? []
    if (command !== undefined) sent.push(command)
  })
  if (password !== '') socket.write(`AUTH "${decodeURIComponent(password)}"\r\n`)
  socket.write('MONITOR\r\n')
  return { sent, stop: () => socket.destroy() }
}
