import { brokers, shared } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { openOn } from '../src/open.js'
import { tenSeconds } from './support/ten-seconds.js'

describe.skipIf(!brokers.wanted('rabbitmq'))('rabbitmq', () => {
  it('goes on whatever anybody writes to it', async () => {
    const opened = await openOn('rabbitmq', await shared('rabbitmq'))
    try {
      expect(await tenSeconds('rabbitmq', opened)).toEqual([])
    } finally {
      await opened.enemy.close()
    }
  })
})
