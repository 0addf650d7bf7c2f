import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { root } from './folder.js'
import { claim, release } from './lock.js'
import { type ProcessId, self } from './process.js'

/**
 * Ports below the ephemeral range of Linux, macOS and Windows, so that no outgoing connection takes a killed server's
 * port.
 */
const range = { from: 15_000, to: 30_000 }

/**
 * Reserves free ports that no other process of ours gets until they are released or their owner has died. So a server that is
 * down keeps its port.
 */
export async function reservePorts(count: number, owner: ProcessId = self): Promise<number[]> {
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > 1_000) throw new Error(`No ${count} free ports between ${range.from} and ${range.to}`)
    const port = randomInt(range.from, range.to)
    if (!claim(file(port), owner)) continue
    if (await isFree(port)) ports.push(port)
    else release(file(port), owner)
  }
  return ports
}

export function releasePorts(ports: readonly number[], owner: ProcessId = self): void {
  for (const port of ports) release(file(port), owner)
}

export const portsFolder = (): string => join(root(), 'ports')

const file = (port: number): string => join(portsFolder(), String(port))

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
