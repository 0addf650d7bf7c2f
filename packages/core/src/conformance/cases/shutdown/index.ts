import type { Chapter } from '../../kit/case.js'
import { clockChanges } from './clock.js'
import { disconnecting } from './disconnect.js'
import { stoppingUnderLoad } from './load.js'
import { stopping } from './stop.js'

export const shutdown: Chapter = {
  name: 'shutdown',
  cases: [...stopping, ...stoppingUnderLoad, ...disconnecting, ...clockChanges],
}
