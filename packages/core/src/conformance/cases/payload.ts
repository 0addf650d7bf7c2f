import type { Chapter } from '../case.js'
import { payloadAttributes } from './payload-attributes.js'
import { payloadBodies } from './payload-bodies.js'
import { payloadSizes } from './payload-sizes.js'

export const payload: Chapter = { name: 'payload', cases: [...payloadBodies, ...payloadSizes, ...payloadAttributes] }
