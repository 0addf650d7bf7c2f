import type { Place, Recipe } from '../sources/machine.js'
import type { Certificates } from '../tls.js'
import type { PostgresOptions } from './options.js'

const postgresImage = (): string => process.env.MQ_TEST_POSTGRES_IMAGE ?? 'postgres:18'

export const user = 'mq'
export const database = 'postgres'

export interface RecipeParts {
  readonly options: PostgresOptions
  readonly password: string
  readonly port: number
  /** The folder of the programs of a native server. */
  readonly programs: string
  readonly certificates: Certificates
}

export function postgresRecipe(parts: RecipeParts): Recipe {
  const { password, port, certificates } = parts
  return {
    kind: 'postgres',
    image: postgresImage(),
    ports: [port],
    published: [port],
    // SIGTERM waits for all clients to leave.
    stopSignal: 'SIGINT',
    isParent: true,
    files: (place) => ({
      'password.txt': `${password}\n`,
      'test.conf': configuration(parts, place),
      'pg_hba.conf': 'host all all all scram-sha-256\n',
      'cert.pem': certificates.cert,
      'key.pem': certificates.key,
      'boot.sh': boot(place, parts.programs),
    }),
  }
}

/** Returns the beginning of a shell line that finds the programs. */
export const pathOf = ({ source }: Pick<Place, 'source'>, programs: string): string =>
  source === 'native' ? `PATH='${programs}':"$PATH"` : 'PATH="$PATH"'

/**
 * Makes the database at the first start. PostgreSQL refuses to run as root, so root hands it to the user that comes with the package, who has
 * to be let into the folder.
 */
const boot = (place: Place, programs: string): string => `export ${pathOf(place, programs)}
as=
if [ "$(id -u)" = 0 ]; then
  as='setpriv --reuid=postgres --regid=postgres --clear-groups'
  ${place.source === 'native' ? 'chmod a+x .. .' : ':'}
fi
if [ ! -f data/made ]; then
  rm -rf data && mkdir -m 700 data
  cp password.txt data.password
  if [ -n "$as" ]; then chown postgres data data.password; fi
  $as initdb -D "$PWD/data" -U ${user} --pwfile="$PWD/data.password" -A scram-sha-256 -E UTF8 --locale=C --no-sync >initdb.log || exit 1
  cp test.conf pg_hba.conf cert.pem key.pem data/
  echo "include 'test.conf'" >>data/postgresql.conf
  touch data/made
  if [ -n "$as" ]; then chown postgres data/*; fi
fi
exec $as postgres -D "$PWD/data"
`

function configuration({ options, port }: RecipeParts, { bind }: Place): string {
  const values: Readonly<Record<string, string>> = {
    listen_addresses: bind,
    port: String(port),
    unix_socket_directories: '',
    max_connections: '400',
    shared_buffers: '64MB',
    // A commit has been given to the system, which keeps it when the server is killed. Only a crash of the machine could lose it.
    synchronous_commit: 'on',
    fsync: 'off',
    full_page_writes: 'off',
    ssl: 'on',
    ssl_cert_file: 'cert.pem',
    ssl_key_file: 'key.pem',
    ...options.config,
  }
  return Object.entries(values)
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join('')
}
