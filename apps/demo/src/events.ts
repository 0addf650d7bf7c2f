import { defineEvent } from '@mq/core'
import { z } from 'zod'

/** The body of `POST /users`. */
export const signUp = z.object({
  name: z.string().trim().min(1).max(100),
  email: z.email().max(254),
  country: z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters, such as GB'),
})

const user = signUp.extend({ userId: z.string().min(1) })

export type UserCreated = z.infer<typeof user>

/** Published once for each accepted sign-up. */
export const userCreated = defineEvent('user.created', { schema: user })
