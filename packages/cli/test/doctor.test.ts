import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { examine } from './support/doctor.js'
import { mq } from './support/mq.js'

describe('mq doctor without a connection', () => {
  it.each(['redis://user:geheim@127.0.0.1:1', 'amqp://user:geheim@127.0.0.1:1', 'kafka://127.0.0.1:1'])(
    'says that %s refuses the connection',
    async (url) => {
      const { exitCode, server, finding } = await examine(url)
      expect({ exitCode, server }).toEqual({ exitCode: 1, server: null })
      expect(finding('connect.refused')).toMatchObject({
        severity: 'error',
        problem: expect.not.stringContaining('geheim'),
        docs: expect.stringMatching(/^https:/),
      })
    },
  )

  it.each(['redis://nowhere.invalid', 'amqp://nowhere.invalid', 'kafka://nowhere.invalid'])(
    'says that the host of %s is not known',
    async (url) => {
      expect((await examine(url)).codes).toEqual(['connect.unknown-host'])
    },
  )

  it('says that nothing answers in time', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    expect((await examine(`redis://127.0.0.1:${port}`)).codes).toEqual(['connect.timeout'])
  })

  it('prints findings for people, and says so on stderr', async () => {
    const { code, stdout, stderr } = await mq(['doctor', '--url', 'redis://:geheim@127.0.0.1:1'])
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'mq: 1 problem found\n' })
    expect(stdout).toMatch(/^not connected\n\nerror {2}connect\.refused\n {2}.*ECONNREFUSED/)
    expect(stdout).toMatch(/\n1 error, 0 warnings, 0 infos\n$/)
    expect(stdout).not.toContain('geheim')
  })
})
