import { defineEvent } from '@mq/core'
import { z } from 'zod'

/** What `POST /users` takes. */
export const signUp = z.object({
  name: z.string().trim().min(1).max(100),
  email: z.email().max(254),
  country: z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters, as GB'),
})

/** Published once for every sign-up that was accepted. */
export const userCreated = defineEvent('user.created', { schema: signUp.extend({ userId: z.string().min(1) }) })
