import { defineEvent, defineTask } from '@mq/core'
import { z } from 'zod'

const schema = z.object({ id: z.string(), locale: z.string(), plan: z.string().optional() })

export default {
  userCreated: defineEvent('user.created', { schema }),
  sendEmail: defineTask({ name: 'send-email', input: z.object({ to: z.email() }), execute: () => ({ sent: true }) }),
}
