import { attributesOf, contentType, named } from './attributes.js'
import { batchingWith } from './kafkajs-batches.js'

/** Writes the headers that ours writes. */
export const open = batchingWith((topic) => ({ 'content-type': contentType, ...named('ce_', attributesOf(topic)) }))
