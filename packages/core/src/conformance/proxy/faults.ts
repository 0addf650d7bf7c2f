import type { Faults, JsonObject } from '../subject.js'
import type { TcpProxy } from './proxy.js'

/** The faults that need nothing but a proxy in front of the broker. */
export type ProxyFaultName = 'cut' | 'refuse' | 'freeze' | 'slow' | 'dropAnswer' | 'heal' | 'connections' | 'link'

export type ProxyFaults<Started> = Required<Pick<Faults<Started>, ProxyFaultName>>

export interface ProxyFaultsOptions {
  /** Returns the options with which an adapter connects through a proxy. Default: `{ url: proxy.url }`. */
  readonly optionsOf?: (proxy: TcpProxy) => JsonObject
}

/**
 * Makes the faults of the link out of the proxy that `Subject.start` has put in front of the broker:
 * `faults: { ...proxyFaults(({ link }) => link), kill, restart }`. If your own hooks have effects that `heal` has to end, replace
 * `heal` by one that calls the proxy's too.
 */
export function proxyFaults<Started>(
  proxyOf: (started: Started) => TcpProxy,
  { optionsOf = ({ url }) => ({ url }) }: ProxyFaultsOptions = {},
): ProxyFaults<Started> {
  return {
    cut: (started) => proxyOf(started).cut(),
    refuse: (started) => proxyOf(started).refuse(),
    freeze: (started, direction) => proxyOf(started).freeze(direction),
    slow: (started, bytesPerSecond) => proxyOf(started).slow(bytesPerSecond),
    dropAnswer: (started) => proxyOf(started).dropAfter(0, 'out'),
    heal: (started) => proxyOf(started).heal(),
    connections: async (started) => proxyOf(started).connections,
    async link(started) {
      const link = await proxyOf(started).another()
      const { cut, refuse, freeze, heal, close } = link
      return { options: optionsOf(link), cut, refuse, freeze, heal, close }
    },
  }
}
