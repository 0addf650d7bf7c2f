import type { Chapter } from '../case.js'
import { delayTimes } from './delay-times.js'
import { delayedMessages } from './delayed-messages.js'

export const delay: Chapter = { name: 'delay', cases: [...delayTimes, ...delayedMessages] }
