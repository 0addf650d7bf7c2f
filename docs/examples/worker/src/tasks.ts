import { setTimeout as pause } from 'node:timers/promises'
import { defineTask } from '@mq/core'
import { z } from 'zod'

/** Sends a mail. It waits for the mail server most of the time, so many run at the same time. */
export const sendEmail = defineTask({
  name: 'send-email',
  input: z.object({ to: z.email() }),
  retry: { attempts: 5, delayMs: 200, backoff: 'exponential' },
  timeoutMs: 10_000,
  async execute({ to }, { attempt, signal }) {
    await pause(20, undefined, { signal }) // your mailer
    if (to.startsWith('greylisted') && attempt === 1) throw new Error('451 try again later')
    return { to, attempt }
  },
})

/** Resizes a photo. It keeps a processor busy, so only two run at a time. A photo that cannot be read is not tried again. */
export const resizePhoto = defineTask({
  name: 'resize-photo',
  input: z.object({ photo: z.string(), width: z.int() }),
  retry: { attempts: 3, rules: [{ match: 'UnreadablePhoto', retry: false }] },
  async execute({ photo, width }) {
    if (!photo.endsWith('.png')) throw Object.assign(new Error(`${photo} is no picture`), { name: 'UnreadablePhoto' })
    await pause(500) // your image library
    return { file: `${photo.slice(0, -4)}-${width}.png` }
  },
  onLastFailure: ({ id, failure }) => console.log(`gave up resize-photo ${id}: ${failure.error.message}`),
})

/** Counts users. A schedule runs it, once over all workers. */
export const countUsers = defineTask({
  name: 'count-users',
  execute: (_input: { of: string }, { headers }) => ({ tick: headers['schedule-tick'] }),
})
