export interface Size {
  readonly adapter: string
  readonly packages: number
  readonly unpackedBytes: number
  readonly coreBytes: number
  readonly installedBytes: number
}

const kilobytes = (bytes: number): string => `${Math.round(bytes / 1000)} kB`.padStart(9)

/** Shows the sizes that each adapter adds to an application: the adapter, core, and all of `node_modules` with the driver. */
export function sizeTable(sizes: readonly Size[]): string {
  const rows = sizes.map(
    ({ adapter, packages, unpackedBytes, coreBytes, installedBytes }) =>
      `${adapter.padEnd(14)}${[unpackedBytes, coreBytes, installedBytes].map(kilobytes).join('  ')}  ${String(packages).padStart(8)}`,
  )
  return ['adapter        unpacked       core  installed  packages', ...rows].join('\n')
}
