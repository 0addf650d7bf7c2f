import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** @import { Faults } from '@mq/core/conformance' */

/** @typedef {{ options: { folder: string } }} Started */

/** @param {Started} started @param {string} topic */
const groupsOf = async ({ options }, topic) => {
  const path = join(options.folder, 'topics', topic)
  return (await readdir(path)).map((group) => join(path, group))
}

/** @type {Faults<Started>} */
export const faults = {
  /** Takes the disk away: a file stands where the folder was. */
  async kill({ options: { folder } }) {
    await mkdir(folder, { recursive: true })
    await rename(folder, `${folder}.away`)
    await writeFile(folder, '')
  },
  async restart({ options: { folder } }) {
    await rm(folder)
    await rename(`${folder}.away`, folder)
  },
  /** Names the groups and the consumers. */
  async leftovers(started) {
    const { folder } = started.options
    const topics = await readdir(join(folder, 'topics'))
    const groups = await Promise.all(topics.map((topic) => groupsOf(started, topic)))
    return [...groups.flat(), ...(await readdir(join(folder, 'leases')))]
  },
  async destroy(started, { topic, group }) {
    await rm(join(started.options.folder, 'topics', topic, group), { recursive: true })
  },
  /** Writes as `cp` and `mv` would. */
  async publishForeign(started, topic, body) {
    for (const group of await groupsOf(started, topic)) {
      const name = `foreign-${Math.random()}.json`
      const draft = join(started.options.folder, 'drafts', name)
      await writeFile(draft, body)
      await rename(draft, join(group, 'waiting', name))
    }
  },
  unreachable: () => ({ options: { folder: '/dev/null/queues' } }),
}
