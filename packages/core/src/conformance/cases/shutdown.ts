import type { Chapter } from '../case.js'
import { disconnecting } from './shutdown-disconnect.js'
import { stoppingUnderLoad } from './shutdown-load.js'
import { stopping } from './shutdown-stop.js'

export const shutdown: Chapter = { name: 'shutdown', cases: [...stopping, ...stoppingUnderLoad, ...disconnecting] }
