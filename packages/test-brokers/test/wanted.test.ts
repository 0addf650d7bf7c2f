import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { namesIn, ownerOf, root } from '../src/run/folder.js'

interface Outcome {
  readonly code: number
  readonly output: string
  readonly pid: number
  readonly result: {
    readonly success: boolean
    readonly numPassedTests: number
    readonly numFailedTests: number
    readonly numPendingTests: number
    readonly testResults: readonly {
      assertionResults: readonly { fullName: string; status: string; failureMessages: string[] }[]
    }[]
  }
}

/** Runs the fixture in a run of its own, with these settings only. */
async function run(settings: NodeJS.ProcessEnv): Promise<Outcome> {
  const env: NodeJS.ProcessEnv = { ...process.env, ...settings }
  for (const name of Object.keys(env))
    if (/^(VITEST|MQ_TEST_RUN|MQ_TEST_.*_URL)/.test(name) && !(name in settings)) delete env[name]
  const cwd = fileURLToPath(new URL('./fixture/', import.meta.url))
  const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url))
  return await new Promise((resolve) => {
    const started = execFile(
      process.execPath,
      [vitest, 'run', '--reporter=json', '--reporter=default'],
      { cwd, env },
      (error, stdout, stderr) => {
        const json = /^\{.*\}$/ms.exec(stdout)?.[0]
        const result = json === undefined ? undefined : (JSON.parse(json) as Outcome['result'])
        resolve({ code: Number(error?.code ?? 0), output: stdout + stderr, pid: started.pid ?? 0, result } as Outcome)
      },
    )
  })
}

describe('MQ_TEST_BROKERS', () => {
  it('leaves out brokers, whose tests count as skipped', async () => {
    const { code, result, pid } = await run({ MQ_TEST_BROKERS: 'memory, redis' })
    expect(code).toBe(0)
    expect(result).toMatchObject({ numPassedTests: 4, numFailedTests: 0, numPendingTests: 1 })
    // The shared server ended with the run.
    expect(namesIn(root()).filter((name) => ownerOf(name)?.pid === pid)).toEqual([])
  })

  it('with an unknown name ends the run with an error', async () => {
    const { code, output } = await run({ MQ_TEST_BROKERS: 'memory,reddis' })
    expect(code).not.toBe(0)
    expect(output).toContain("MQ_TEST_BROKERS has 'reddis'; known are memory, rabbitmq, redis, kafka, postgres")
  })
})

describe('if no source of a broker works', () => {
  it('its tests fail and say what to install, and the others pass', async () => {
    const { code, result, output } = await run({
      MQ_TEST_BROKERS: 'memory,redis',
      PATH: '/nowhere',
      MQ_TEST_INSTALL: 'never',
      DOCKER_HOST: 'tcp://127.0.0.1:1',
    })
    expect(code).not.toBe(0)
    const all = result.testResults.flatMap((file) => file.assertionResults)
    expect(all.find(({ fullName }) => fullName.startsWith('memory'))?.status).toBe('passed')
    // vitest counts tests whose beforeAll failed as skipped, but the run has failed.
    expect(result).toMatchObject({ success: false, numPassedTests: 1, numFailedTests: 1 })
    for (const told of [output, all.find(({ fullName }) => fullName === 'redis alone')?.failureMessages.join() ?? '']) {
      expect(told).toContain('MQ_TEST_REDIS_URL')
      expect(told).toContain('apt-get install redis-server')
      expect(told).toContain('a Docker engine')
    }
  })
})
