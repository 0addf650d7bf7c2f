import { releasePorts, reservePorts } from '../run/ports.js'
import type { ProcessId } from '../run/process.js'

/**
 * Starts something on ports that nobody uses. Other programs do not know our reservations: when one takes a port between
 * the look and the start, which the broker's own words tell, it is started on others.
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

/** The port at an index that the caller reserved. */
export function portAt(ports: readonly number[], index: number): number {
  const port = ports[index]
  if (port === undefined) throw new RangeError(`Only ${ports.length} ports were reserved`)
  return port
}
