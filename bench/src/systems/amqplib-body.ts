import { amqplibWith } from './amqplib.js'

/** Sends the JSON body alone. It is stored on disk, as ours is. */
export const open = amqplibWith(() => ({ persistent: true }))
