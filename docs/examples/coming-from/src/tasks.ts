import { defineTask } from '@mq/core'
import { z } from 'zod'

/** The task that replaces the old job. Its workers run already when jobs are moved. */
export const sendWelcome = defineTask({
  name: 'send-welcome',
  input: z.object({ to: z.email(), text: z.string() }),
  execute: async ({ to }) => ({ sent: to }),
})
