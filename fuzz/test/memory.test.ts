import { brokers } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { openMemory } from '../src/open.js'
import { tenSeconds } from './support/ten-seconds.js'

describe.skipIf(!brokers.wanted('memory'))('memory', () => {
  it('goes on whatever its messages are', async () => {
    expect(await tenSeconds('memory', openMemory())).toEqual([])
  })
})
