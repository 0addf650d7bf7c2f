import { asyncapi } from '@mq/asyncapi'
import { userCreated } from './events.mjs'

export default asyncapi({
  title: 'Shop',
  version: '3.1.4',
  events: [{ event: userCreated, groups: ['mailer'] }],
  brokers: ['redis'],
})
