import type { Capabilities } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { rejection } from '../../kit/expect.js'

const parts = ['listsTopics', 'listsGroups', 'listsWaiting', 'listsInFlight', 'removesWaiting', 'runsNow'] as const

const canAll = (capabilities: Capabilities): string | undefined =>
  parts.every((part) => capabilities[part]) ? 'it can look at everything' : undefined

/** Tests that an adapter refuses what it cannot show. */
export const inspectionRefusals: readonly ConformanceCase[] = [
  {
    id: 'INS-11',
    title: 'what an adapter cannot show or change is refused in the call that asks for it',
    promises: [22],
    level: 'capability',
    refusal: true,
    unless: canAll,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'g')
      const waiting = queue.waiting(topic, 'g')
      const asked = {
        listsTopics: () => queue.topics(),
        listsGroups: () => queue.groups(topic),
        listsWaiting: () => waiting.list(),
        listsInFlight: () => waiting.list({ state: 'inFlight' }),
        removesWaiting: () => waiting.remove(['1-0']),
        runsNow: () => waiting.runNow(['1-0']),
      }
      for (const part of parts) {
        if (!kit.capabilities[part]) await rejection(asked[part](), 'MQ_NOT_SUPPORTED')
      }
    },
  },
]
