import type { Chapter } from '../case.js'
import { hostileInput } from './security-input.js'
import { hostileNames } from './security-names.js'
import { secrets } from './security-secrets.js'

export const security: Chapter = { name: 'security', cases: [...hostileInput, ...secrets, ...hostileNames] }
