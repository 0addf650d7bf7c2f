import type { Chapter } from '../../kit/case.js'
import { taskAttempts } from './attempts.js'
import { taskCancelling } from './cancel.js'
import { taskChains } from './chains.js'
import { taskLimits } from './limits.js'
import { taskOnce } from './once.js'
import { taskProgress } from './progress.js'
import { taskReplies } from './replies.js'
import { taskSchedules } from './schedules.js'

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
