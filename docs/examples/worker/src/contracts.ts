import { defineEvent } from '@mq/core'
import { z } from 'zod'

/** Published by another service for each user who signs up. */
export const userCreated = defineEvent('user.created', {
  schema: z.object({ userId: z.string(), email: z.email(), photo: z.string() }),
})
