import type { Chapter } from '../case.js'
import { deadLetterContents } from './dead-letter-contents.js'
import { deadLetterFaults } from './dead-letter-faults.js'
import { deadLetterLists } from './dead-letter-lists.js'
import { deadLetterReasons } from './dead-letter-reasons.js'
import { deadLetterReplays } from './dead-letter-replays.js'

export const deadLetters: Chapter = {
  name: 'dead letters',
  cases: [...deadLetterContents, ...deadLetterReasons, ...deadLetterLists, ...deadLetterReplays, ...deadLetterFaults],
}
