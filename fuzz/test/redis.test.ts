import { brokers, shared } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { openOn } from '../src/open.js'
import { tenSeconds } from './support/ten-seconds.js'

describe.skipIf(!brokers.wanted('redis'))('redis', () => {
  it('goes on whatever anybody writes to it', async () => {
    const opened = await openOn('redis', await shared('redis'))
    try {
      expect(await tenSeconds('redis', opened)).toEqual([])
    } finally {
      await opened.enemy.close()
    }
  })
})
