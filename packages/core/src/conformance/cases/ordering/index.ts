import type { Chapter } from '../../kit/case.js'
import { rejection } from '../../kit/expect.js'
import { orderingKeys } from './keys.js'
import { orderingMembers } from './members.js'

export const ordering: Chapter = {
  name: 'ordering',
  cases: [
    ...orderingKeys,
    ...orderingMembers,
    {
      id: 'ORD-10',
      title: 'without orderedKeys, an ordered subscription is refused',
      promises: [16],
      level: 'capability',
      refusal: true,
      unless: ({ orderedKeys }) => (orderedKeys ? 'it keeps the order of keys' : undefined),
      async run(kit) {
        const queue = await kit.queue()
        await rejection(
          queue.subscribe(kit.topic(), () => {}, { ordered: true }),
          'MQ_NOT_SUPPORTED',
        )
      },
    },
  ],
}
