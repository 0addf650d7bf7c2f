import { releasePorts, reservePorts } from '../run/ports.js'
import type { ProcessId } from '../run/process.js'

/**
 * Starts something on free ports. Other programs do not know our reservations. If one takes a port before the start, the
 * broker's output shows that, and it is started again on other ports.
 */
export async function onFreePorts<T>(
  count: number,
  owner: ProcessId,
  start: (ports: readonly number[]) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const ports = await reservePorts(count, owner)
    try {
      return await start(ports)
    } catch (error) {
      releasePorts(ports, owner)
      if (attempt === 3 || !/address (is )?already in use|eaddrinuse|port is already allocated/i.test(String(error)))
        throw error
    }
  }
}

/** Returns the reserved port with that index. */
export function portAt(ports: readonly number[], index: number): number {
  const port = ports[index]
  if (port === undefined) throw new RangeError(`Only ${ports.length} ports were reserved`)
  return port
}
