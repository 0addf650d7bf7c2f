import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { brokers } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { root } from './examples.js'
import { filesOf, runIn, shownOn, suiteCommand, withShownFiles } from './shown-files.js'

const docs = join(root, 'docs')
const folder = join(docs, 'examples', 'fault-hooks')
const page = join(docs, 'adapters', 'suite.md')
const require = createRequire(import.meta.url)

const isOnPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((place) => existsSync(join(place, program)))

/** The programs that the example starts, as its author would. */
const programs = ['redis-server', 'redis-cli', 'openssl']

/** At least one case for each hook. */
const cases = {
  'kill, restart': ['FLT-3'],
  cut: ['HEA-4'],
  refuse: ['CON-7'],
  'freeze, heal': ['PUB-10'],
  slow: ['FLT-9'],
  dropAnswer: ['PUB-14'],
  block: ['PUB-15'],
  connections: ['CON-8'],
  link: ['FLT-29'],
  leftovers: ['GRP-19'],
  destroy: ['HEA-8'],
  publishForeign: ['FGN-1'],
  'foreignPlaces, writeForeign': ['FTO-1'],
  'unreachable, wrongCredentials, untrusted': ['CON-4', 'CON-5', 'CON-6'],
}

describe('the fault hooks of docs/adapters/suite.md', () => {
  // With `-u` the page takes over what is in the files.
  it('stand on the page as they lie in their files, each of them whole', async () => {
    const text = readFileSync(page, 'utf8')
    const settings = ['package.json', 'tsconfig.json'].map((file) => `examples/fault-hooks/${file}`)
    expect([...shownOn(text), ...settings].sort()).toEqual(filesOf(folder))
    await expect(withShownFiles(text)).toMatchFileSnapshot(page)
  })

  it('are all there are, with strict types, in under 60 lines', async () => {
    const { code, output } = await runIn(folder, 60_000, require.resolve('typescript/bin/tsc'), '--project', '.')
    expect(output).toBe('')
    expect(code).toBe(0)
    const text = readFileSync(join(folder, 'faults.js'), 'utf8')
    expect(text).toContain('@type {Required<Faults<Started>>}')
    expect(text.split('\n').length).toBeLessThan(60)
  }, 60_000)

  it.skipIf(!brokers.owned('redis') || !programs.every(isOnPath))(
    'work: a case of each passes',
    async () => {
      const only = Object.values(cases).flat()
      const args = [suiteCommand, './subject.js', '--parallel', '4', '--brokers', '2', '--only', only.join(',')]
      const { code, output } = await runIn(folder, 120_000, ...args)
      expect(code, output).toBe(0)
      expect(output).toContain(`Every promise that was tested holds: ${only.length} passed, 0 failed, 0 not run`)
    },
    130_000,
  )
})
