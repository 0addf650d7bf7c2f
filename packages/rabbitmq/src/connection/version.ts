import type { ChannelModel } from 'amqplib'

// See docs/decisions/0061-newer-brokers.md.

export interface Version {
  readonly major: number
  readonly minor: number
}

/** Returns the version that the broker reports, or 0.0 if it reports none. */
export function versionOf(connection: ChannelModel): Version {
  const text = String(connection.connection.serverProperties?.version ?? '')
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(text) ?? []
  return { major: Number(major ?? 0), minor: Number(minor ?? 0) }
}

/** Returns the name of the cluster, which is the same over each node and proxy. */
export const clusterOf = (connection: ChannelModel): string =>
  String(connection.connection.serverProperties?.cluster_name ?? '')

export const isBefore = (version: Version, major: number, minor: number): boolean =>
  version.major < major || (version.major === major && version.minor < minor)
