import type { Chapter } from '../../kit/case.js'
import { deadLetterContents } from './contents.js'
import { deadLetterFaults } from './faults.js'
import { interruptedReplays } from './interrupted-replays.js'
import { deadLetterLists } from './lists.js'
import { deadLetterReasons } from './reasons.js'
import { replayedFailures } from './replayed-failures.js'
import { deadLetterReplays } from './replays.js'
import { deadLetterTools } from './tools.js'

export const deadLetters: Chapter = {
  name: 'dead letters',
  cases: [
    ...deadLetterContents,
    ...deadLetterReasons,
    ...deadLetterLists,
    ...deadLetterReplays,
    ...replayedFailures,
    ...deadLetterFaults,
    ...interruptedReplays,
    ...deadLetterTools,
  ],
}
