import { homedir } from 'node:os'
import { join } from 'node:path'

/** Returns `MQ_TEST_CACHE` or the user's cache folder, outside the repository, so that a fresh clone finds it again. */
export function cacheFolder(): string {
  return process.env.MQ_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mq-test-brokers')
}
