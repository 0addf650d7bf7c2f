import type { Adapter, WaitingStore } from '../../../src/adapter.js'
import { decode } from './codec.js'
import { located } from './foreign.js'
import type { Faulty } from './mutation.js'
import type { Supervisor } from './supervisor.js'

type Inspection = Required<Pick<Adapter, 'topics' | 'groups' | 'waiting' | 'pauseGroup' | 'resumeGroup'>>

/** Creates the members of the adapter that look into the broker, and those that pause groups. */
export function inspectionOf(supervisor: Supervisor, faulty: Faulty): Inspection {
  return {
    topics: (page) => supervisor.ask<'topics'>({ type: 'topics', ...page }, { again: true }),
    groups: (target, page) => {
      const { topic } = located({ ...target, group: 'none' }, faulty)
      return supervisor.ask<'groups'>({ type: 'groups', topic, ...page }, { again: true })
    },
    waiting(target): WaitingStore {
      const ref = located(target, faulty)
      return {
        async list(page) {
          const { items, ...rest } = await supervisor.ask<'waiting'>({ type: 'waiting', ref, ...page }, { again: true })
          const shown = items.map((item) => ({ ...item, message: decode(item.message, target.topic, faulty).message }))
          return { ...rest, items: shown }
        },
        remove: (entryIds) => supervisor.ask<'remove'>({ type: 'remove', ref, entryIds }, { again: false }),
        runNow: (entryIds) => supervisor.ask<'runNow'>({ type: 'runNow', ref, entryIds }, { again: false }),
      }
    },
    async pauseGroup(target, mark) {
      const ref = located(target, faulty)
      await supervisor.ask<'pauseGroup'>({ type: 'pauseGroup', ref, mark }, { again: true })
    },
    async resumeGroup(target) {
      await supervisor.ask<'resumeGroup'>({ type: 'resumeGroup', ref: located(target, faulty) }, { again: true })
    },
  }
}
