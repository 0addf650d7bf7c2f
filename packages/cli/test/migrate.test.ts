import { brokers, type PostgresServer, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { mq } from './support/mq.js'

describe('mq migrate', () => {
  it('prints the SQL of each version as a transaction, without a database', async () => {
    const { code, stdout, stderr } = await mq(['migrate', '--sql', '--schema', 'queue'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^-- version 1\nBEGIN;\nCREATE SCHEMA IF NOT EXISTS "queue";[\s\S]*COMMIT;\n$/)
    expect((await mq(['migrate', '--sql', '--from', '1'])).stdout).toBe('')
    expect(JSON.parse((await mq(['migrate', '--sql', '--json'])).stdout)).toMatchObject([{ version: 1 }])
  })

  it('refuses a schema that is no name', async () => {
    expect(await mq(['migrate', '--sql', '--schema', 'a b'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('schema has 1 to 40 lower-case letters'),
    })
  })

  describe.skipIf(!brokers.wanted('postgres'))('with a database', () => {
    let server: PostgresServer
    beforeAll(async () => {
      server = await shared('postgres')
    })

    it('makes the tables, and says so again if they are there', async () => {
      const args = ['migrate', '--url', server.url, '--schema', `s_${Math.random().toString(36).slice(2)}`]
      const expected = { code: 0, stdout: `the tables in the schema ${args[4]} are up to date\n`, stderr: '' }
      expect(await mq(args)).toEqual(expected)
      expect(await mq(args)).toEqual(expected)
    })
  })
})
