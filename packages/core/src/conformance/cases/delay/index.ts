import type { Chapter } from '../../kit/case.js'
import { delayedMessages } from './messages.js'
import { delayTimes } from './times.js'

export const delay: Chapter = { name: 'delay', cases: [...delayTimes, ...delayedMessages] }
