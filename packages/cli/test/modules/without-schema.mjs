import { defineEvent } from '@mq/core'

export const bare = defineEvent('bare')
