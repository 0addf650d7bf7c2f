import { defineEvent, type EventDefinition } from '@mq/core'

export const typed: EventDefinition<number> = defineEvent<number>('typed')
