import { batchingWith } from './kafkajs-batches.js'

/** Writes the JSON body alone. */
export const open = batchingWith(() => ({}))
