import type { Chapter } from '../case.js'
import { taskAttempts } from './tasks-attempts.js'
import { taskCancelling } from './tasks-cancel.js'
import { taskChains } from './tasks-chains.js'
import { taskLimits } from './tasks-limits.js'
import { taskOnce } from './tasks-once.js'
import { taskProgress } from './tasks-progress.js'
import { taskReplies } from './tasks-replies.js'
import { taskSchedules } from './tasks-schedules.js'

export const tasks: Chapter = {
  name: 'tasks',
  cases: [
    ...taskReplies,
    ...taskAttempts,
    ...taskProgress,
    ...taskCancelling,
    ...taskOnce,
    ...taskLimits,
    ...taskChains,
    ...taskSchedules,
  ],
}
