import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { findProgram } from '../install/find.js'
import type { NativeSource } from '../sources/choose.js'

export const nativePostgres: NativeSource = {
  kind: 'postgres',
  packages: ['postgresql'],
  obstacle: () => (program() === undefined ? 'no PostgreSQL in /usr/lib/postgresql or on the PATH' : undefined),
  advice:
    'PostgreSQL in /usr/lib/postgresql or on the PATH, as by `apt-get install postgresql` or `brew install postgresql`',
}

/** Returns the folder of the programs. Debian keeps them away from the PATH. */
export const postgresFolder = (): string => dirname(program() ?? '')

const versions = '/usr/lib/postgresql'

function program(): string | undefined {
  const folders = foldersIn(versions).map((version) => `${versions}/${version}/bin`)
  return findProgram('postgres', folders)
}

/** Returns the names of the versions, the newest first. */
function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort((a, b) => Number(b) - Number(a))
  } catch {
    return []
  }
}
