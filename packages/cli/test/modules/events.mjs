import { defineEvent, defineTask } from '@mq/core'
import { z } from 'zod'

export const userCreated = defineEvent('user.created', { schema: z.object({ id: z.string(), email: z.email() }) })
export const sendEmail = defineTask({
  name: 'send-email',
  input: z.object({ to: z.email() }),
  execute: () => ({ sent: true }),
})
