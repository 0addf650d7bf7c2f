import type { Chapter } from '../../kit/case.js'
import { hostileInput } from './input.js'
import { hostileNames } from './names.js'
import { secrets } from './secrets.js'

export const security: Chapter = { name: 'security', cases: [...hostileInput, ...secrets, ...hostileNames] }
