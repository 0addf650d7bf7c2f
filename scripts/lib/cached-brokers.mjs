import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { cells } from './matrix.mjs'
import { isGood, names, storedResults } from './tested-versions.mjs'

/** The newest version of each broker comes first. Clusters and Valkey run in the matrix alone. */
const candidates = cells.filter(({ id, isCluster }) => !isCluster && !id.includes('valkey')).toReversed()

/**
 * Chooses the brokers of `npm test`: the newest versions that are in the cache of test-brokers and whose stored run of the matrix has no
 * failure. Nothing is downloaded for that: a broker without such a version is that of the machine, as all are with `MQ_TEST_NEWEST=0`.
 * Variables with a version, a URL or an image come first.
 */
export function cachedBrokers({
  env = process.env,
  exists = existsSync,
  results = storedResults(),
  isRoot = process.getuid?.() === 0,
} = {}) {
  const cache = env.MQ_TEST_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mq-test-brokers')
  const variable = (kind, what) => `MQ_TEST_${kind.toUpperCase()}_${what}`
  const isDecided = (kind) => ['VERSION', 'URL', 'IMAGE'].some((what) => env[variable(kind, what)])
  const isUsable = ({ id, kind, cached }) =>
    // Another Debian needs root.
    (isRoot || kind === 'kafka') &&
    cached.every((folder) => exists(join(cache, folder))) &&
    results[id] !== undefined &&
    isGood(results[id])
  const chosen =
    env.MQ_TEST_NEWEST !== '0'
      ? Object.keys(names).flatMap((kind) =>
          isDecided(kind) ? [] : (candidates.find((cell) => cell.kind === kind && isUsable(cell)) ?? []),
        )
      : []
  const titleOf = (kind) => {
    if (isDecided(kind)) return `${names[kind]} of the environment`
    return chosen.find((cell) => cell.kind === kind)?.title ?? `${names[kind]} of this machine`
  }
  return {
    env: Object.fromEntries(
      chosen.map(({ kind, env: own }) => [variable(kind, 'VERSION'), own[variable(kind, 'VERSION')]]),
    ),
    text: `Brokers: ${Object.keys(names).map(titleOf).join(', ')}`,
  }
}
