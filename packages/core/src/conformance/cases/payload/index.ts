import type { Chapter } from '../../kit/case.js'
import { payloadAttributes } from './attributes.js'
import { payloadBodies } from './bodies.js'
import { payloadSizes } from './sizes.js'

export const payload: Chapter = { name: 'payload', cases: [...payloadBodies, ...payloadSizes, ...payloadAttributes] }
