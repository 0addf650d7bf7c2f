import { defineEvent } from '@mq/core'
import { z } from 'zod'

/** Published by another service whenever somebody has signed up. */
export const userCreated = defineEvent('user.created', {
  schema: z.object({ userId: z.string(), email: z.email(), photo: z.string() }),
})
