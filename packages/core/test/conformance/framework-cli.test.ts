import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { workspaceNode } from '../../../test-brokers/src/child.js'
import { allCases } from '../../src/conformance/cases/index.js'
import { main } from '../../src/conformance/runner/cli.js'
import type { ConformanceReport } from '../../src/conformance/runner/report.js'
import { outside } from './support/cases.js'
import { called } from './support/with-subject.js'

const folder = mkdtempSync(join(tmpdir(), 'mq-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const bin = fileURLToPath(new URL('../../src/conformance/bin.ts', import.meta.url))
const leaking = new URL('support/leaking-adapter.ts', import.meta.url).href

const subject = new URL('support/with-subject.ts', import.meta.url).href

async function run(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const lines: string[] = []
  const code = await main(args, (line) => lines.push(line))
  return { code, output: lines.join('\n') }
}

const passing = ['--only', 'CON-1,PUB-1,PUB-4', '--options', '{"url":"memory://cli"}']

/** Runs the command as a process of its own. */
async function command(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return await new Promise((resolve) => {
    const options = { env: { ...process.env, ...workspaceNode.env }, timeout: 60_000 }
    execFile(process.execPath, [...workspaceNode.args, bin, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr }),
    )
  })
}

describe('the process of mq-conformance', () => {
  it('ends with a report, even if the adapter leaves sockets open', async () => {
    const { code, output } = await command(leaking, ...passing)
    expect(code, output).toBe(0)
    expect(output).toMatch(/^Every promise that was tested holds: 3 passed/m)
  }, 70_000)

  it('ends with a report and 1, even if a rejection of the adapter is not handled', async () => {
    const { code, output } = await command(leaking, '--only', 'PUB-4', '--options', '{"url":"memory:","rejects":true}')
    expect(code, output).toBe(1)
    expect(output).toMatch(/^✔ PUB-4/m)
    expect(output).toMatch(/^mq-conformance: A rejection was not handled: Error: forgotten by the adapter$/m)
  }, 70_000)
})

describe('mq-conformance', () => {
  it('exits with 0 if no case failed, and prints a line for each case and the totals', async () => {
    const { code, output } = await run(outside.href, ...passing)
    expect(code, output).toBe(0)
    const lines = output.split('\n')
    expect(lines.filter((line) => line.startsWith('✔')).map((line) => line.split(' ')[1])).toHaveLength(3)
    expect(lines.at(-1)).toMatch(
      /^Every promise that was tested holds: 3 passed, 0 failed, 0 not run, 0 not applicable/,
    )
  })

  it('exits with 1 if a promise is broken, and says which one and what was expected', async () => {
    const { code, output } = await run(
      outside.href,
      '--only',
      'CON-1,PUB-4',
      '--options',
      '{"url":"memory:","forgets":true}',
    )
    expect(code).toBe(1)
    expect(output).toMatch(/^✔ CON-1/m)
    expect(output).toMatch(/^✖ PUB-4 .*: Waited 10000 ms for three messages \(g: 0 runs, 0 handled, 0 running\)$/m)
    expect(output).toMatch(/The suite does not hold: 1 passed, 1 failed/)
  }, 30_000)

  it('with --complete, exits with 1 if a required case cannot run', async () => {
    const faulty = ['--only', 'CON-1,CON-5', '--options', '{"url":"memory:"}']
    const usual = await run(outside.href, ...faulty)
    expect(usual.code, usual.output).toBe(0)
    const complete = await run(outside.href, ...faulty, '--complete')
    expect(complete.code).toBe(1)
    expect(complete.output).toMatch(/^– CON-5 .* \(not run\): the subject has no faults\.wrongCredentials$/m)
  })

  it('exits with 2 and a clear text if it cannot load the module', async () => {
    for (const [module, word] of [
      ['./no-such-file.js', /no-such-file/],
      ['@acme/mq-nowhere', /@acme\/mq-nowhere is not installed/],
      [new URL('support/cases.ts', import.meta.url).href, /exports no adapter factory by default/],
      [new URL('support/half-adapter.ts', import.meta.url).href, /This is no adapter/],
    ] as const) {
      const { code, output } = await run(module)
      expect(code, module).toBe(2)
      expect(output).toMatch(word)
    }
  })

  it.each([
    ['no module', [], 'one module is needed'],
    ['two modules', ['a', 'b'], 'one module is needed'],
    ['an unknown option', ['a', '--frobnicate'], "Unknown option '--frobnicate'"],
    ['an unknown case', [outside.href, '--only', 'CON-1,NIX-7'], 'there is no case NIX-7; --list prints them'],
    ['a seed that is no number', [outside.href, '--seed', 'x'], '--seed must be a whole number from 0, not x'],
    ['no case at a time', [outside.href, '--parallel', '0'], '--parallel must be a whole number from 1, not 0'],
    ['options that are a list', [outside.href, '--options', '[]'], '--options must be a JSON object'],
  ])('exits with 2 for a wrong call: %s', async (_, args, word) => {
    const { code, output } = await run(...args)
    expect(code).toBe(2)
    expect(output).toContain(word)
  })

  it('never prints the value of --options, even if it or the adapter is wrong', async () => {
    for (const options of ['{"url":"nats://ada:hunter2@host"', '["hunter2"]', '{"password":"hunter2","url":}']) {
      const { code, output } = await run(outside.href, '--options', options)
      expect(code).toBe(2)
      expect(output).not.toContain('hunter2')
    }
    const refused = await run(outside.href, '--options', '{"url":"memory:","password":"wrong"}')
    expect(refused).toEqual({ code: 2, output: 'mq-conformance: The options do not fit' })
  })

  it('accepts the seed of a report, including 0', async () => {
    const report = join(folder, 'seed.json')
    await run(outside.href, '--only', 'CON-1', '--options', '{"url":"memory:"}', '--seed', '0', '--json', report)
    expect((JSON.parse(readFileSync(report, 'utf8')) as ConformanceReport).seed).toBe(0)
  })

  it('--list prints every case and loads nothing', async () => {
    const { code, output } = await run('--list')
    expect(code).toBe(0)
    expect(output.split('\n')).toHaveLength(allCases.length)
    expect(output).toMatch(/^CON-1 connect and disconnect may both be called twice \(required\)$/m)
  })

  it('--help prints the usage', async () => {
    const { code, output } = await run('--help')
    expect(code).toBe(0)
    expect(output).toMatch(/^Usage: mq-conformance <module>/)
  })

  it('--only selects a chapter by its letters, and no id that merely begins with them', async () => {
    const report = join(folder, 'only.json')
    await run(outside.href, '--only', 'CON', '--options', '{"url":"memory:"}', '--json', report)
    const { results } = JSON.parse(readFileSync(report, 'utf8')) as ConformanceReport
    expect(results.map(({ id }) => id).sort()).toEqual(
      allCases.flatMap(({ id }) => (id.startsWith('CON-') ? id : [])).sort(),
    )
    await run(outside.href, '--only', 'CON-1', '--options', '{"url":"memory:"}', '--json', report)
    expect((JSON.parse(readFileSync(report, 'utf8')) as ConformanceReport).results).toHaveLength(1)
  })

  it('starts and stops the subject that the module exports, and writes both reports', async () => {
    const [json, markdown] = [join(folder, 'report.json'), join(folder, 'report.md')]
    const { code, output } = await run(subject, '--only', 'PUB-4', '--json', json, '--markdown', markdown)
    expect(code, output).toBe(0)
    expect(called).toEqual(['start', 'stop'])
    const report = JSON.parse(readFileSync(json, 'utf8')) as ConformanceReport
    expect(report).toMatchObject({ adapter: 'memory', broker: 'a broker of the tests', holds: true })
    expect(readFileSync(markdown, 'utf8')).toContain('| | promise | memory (a broker of the tests) |')
  })
})
