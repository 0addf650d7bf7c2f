import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { faults } from './faults.js'

export { default } from '../adapter.js'

/** @type {Omit<import('@mq/core/conformance').Subject<import('./faults.js').Started>, 'adapter'>} */
export const subject = {
  options: { folder: '/nowhere', leaseMs: 4_000 },
  start: async () => ({ options: { folder: join(await mkdtemp(join(tmpdir(), 'mq-folder-')), 'queues') } }),
  stop: ({ options }) => rm(join(options.folder, '..'), { recursive: true }),
  faults,
}
