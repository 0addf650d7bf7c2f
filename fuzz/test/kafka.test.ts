import { brokers, shared } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { openOn } from '../src/open.js'
import { tenSeconds } from './support/ten-seconds.js'

describe.skipIf(!brokers.wanted('kafka'))('kafka', () => {
  it('goes on whatever anybody writes to it', async () => {
    const opened = await openOn('kafka', await shared('kafka'))
    try {
      expect(await tenSeconds('kafka', opened)).toEqual([])
    } finally {
      await opened.enemy.close()
    }
  })
})
