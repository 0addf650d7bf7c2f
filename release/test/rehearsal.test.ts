import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../../scripts/lib/workspace.mjs'
import { type Application, application, type Installer, installers } from '../src/application.js'
import { firstExample, printed, withRequire } from '../src/example.js'
import { bytesBelow, installed } from '../src/installed.js'
import { nest11, nestProgram } from '../src/nest-program.js'
import { raised } from '../src/raised.js'
import { type Registry, startRegistry } from '../src/registry.js'
import { sizeTable } from '../src/size-table.js'
import { remove, throwAwayFolder } from '../src/throw-away.js'
import { notForUsers, thirdParty } from '../src/what-users-need.js'
import { built, copyWorkspace, packages, type WorkspaceCopy } from '../src/workspace-copy.js'

const names = packages.map(({ manifest }) => manifest.name).sort()
const adapters = names.filter((name) => name !== '@mq/core')
type Versions = Readonly<Record<string, string>>
type Pair = readonly [core: Versions, adapter: Versions]
const inOrder = (versions: Versions): readonly string[] => names.map((name) => `${name}@${versions[name]}`)

/** The steps of a release. Each step continues from the state that the one before it left. */
describe('a release', () => {
  const throwAway = throwAwayFolder()
  let registry: Registry | undefined
  let workspace: WorkspaceCopy
  let first: Versions
  let latest: Versions
  let folders = 0

  const applicationWith = (installer: Installer = 'npm'): Application => {
    if (registry === undefined) throw new Error('There is no registry')
    return application({ folder: join(throwAway, `application-${++folders}`), registry, installer })
  }

  beforeAll(async () => {
    if (!built()) throw new Error('The built packages are released: run pnpm build first')
    registry = await startRegistry(join(throwAway, 'registry'))
    workspace = await copyWorkspace(join(throwAway, 'workspace'), registry)
  })

  afterAll(async () => {
    await registry?.stop()
    remove(throwAway)
  })

  it('raises the packages by their changesets, those that were never published to 0.1.0 together', async () => {
    const pending = workspace.pending()
    first = await workspace.version()
    const fresh = packages.filter(({ manifest }) => manifest.version === '0.0.0').map(({ manifest }) => manifest.name)
    expect(fresh.map((name) => first[name])).toEqual(fresh.map(() => '0.1.0'))
    expect(Object.values(first)).not.toContain('0.0.0')
    for (const { text, packages: named } of pending) {
      for (const name of named) expect(workspace.changelog(name).split('\n')).toContain(`- ${text.split('\n')[0]}`)
    }
    for (const name of fresh.filter((each) => each !== '@mq/core')) {
      expect(workspace.changelog(name)).toMatch(
        /^## 0\.1\.0\n\n### Minor Changes\n\n- [\s\S]*- Goes with `@mq\/core` 0\.1\.0\.$/,
      )
    }
  })

  it('publishes every package, and nothing when it is asked again', async () => {
    expect(await workspace.publish()).toEqual(inOrder(first))
    expect(await workspace.publish()).toEqual([])
  })

  // These run concurrently, as they do not change the release.
  describe.concurrent('as applications get it', () => {
    describe.each(installers)('what %s installs', (installer) => {
      it('is an adapter, core and its driver alone: no other driver, and no tool of ours', async () => {
        const app = applicationWith(installer)
        await app.install('@mq/redis')
        const came = installed(app.folder).map(({ name }) => name)
        expect(came).toEqual(expect.arrayContaining(['@mq/core', '@mq/redis', 'croner', 'ioredis']))
        expect(came.filter((name) => name.startsWith('@mq/'))).toEqual(['@mq/core', '@mq/redis'])
        expect(came.filter((name) => notForUsers('@mq/redis').includes(name))).toEqual([])
      })

      it('runs the first program of the README: imported, required, and as strict TypeScript', async () => {
        const app = applicationWith(installer)
        await app.install('@mq/core', '@mq/memory', ...thirdParty('zod', '@types/node'))
        app.write('esm.mjs', firstExample())
        app.write('commonjs.cjs', withRequire(firstExample()))
        app.write('typed.mts', firstExample())
        app.write('bundled.ts', firstExample())
        const strict = ['--strict', '--target', 'ES2022', '--types', 'node', '--pretty', 'false'] as const
        await Promise.all([
          app.compile(['typed.mts'], ...strict, '--module', 'nodenext', '--moduleResolution', 'nodenext'),
          app.compile(
            ['bundled.ts'],
            ...strict,
            '--module',
            'esnext',
            '--moduleResolution',
            'bundler',
            '--skipLibCheck',
          ),
        ])
        for (const program of ['esm.mjs', 'commonjs.cjs', 'typed.mjs', 'bundled.js']) {
          expect(await app.node(program), program).toMatch(printed)
        }
        // `pnpm test:runtimes` runs this program on every runtime and broker.
        app.write('smoke.mjs', readFileSync(join(root, 'release', 'src', 'runtimes', 'smoke.mjs'), 'utf8'))
        expect(await app.node('--expose-gc', 'smoke.mjs', 'memory:')).toMatch(/^(✔ .+\n){5}$/)
      })
    })

    it.each([
      [11, 'commonjs', nest11('@nestjs/common', '@nestjs/core')],
      [12, 'module', thirdParty('@nestjs/common', '@nestjs/core')],
    ] as const)(
      'runs in Nest %i in an application of type %s, compiled as the starter does it',
      async (_, type, nest) => {
        const app = applicationWith()
        // Nest 12 runs on Node 20, and depends on a version that says it does not.
        const overrides = { 'file-type': '21.3.4' }
        app.write(
          'package.json',
          JSON.stringify({ name: 'application', version: '1.0.0', private: true, type, overrides }),
        )
        const others = thirdParty('reflect-metadata', 'rxjs', '@types/node')
        await app.install('@mq/core', '@mq/memory', '@mq/nestjs', ...nest, ...others)
        app.write('main.ts', nestProgram)
        const decorators = ['--experimentalDecorators', '--emitDecoratorMetadata'] as const
        const starter = ['--module', 'nodenext', '--target', 'ES2023', '--isolatedModules', '--skipLibCheck'] as const
        await app.compile(['main.ts'], '--strict', '--types', 'node', ...starter, ...decorators)
        expect(app.read('main.js').includes('require("@mq/nestjs")')).toBe(type === 'commonjs')
        expect(await app.node('main.js')).toBe('a mail to ada@example.com\n')
      },
    )

    it('tests an adapter that was written elsewhere: under vitest, under node:test, by the command', async () => {
      const app = applicationWith()
      cpSync(join(root, 'docs', 'examples', 'folder-adapter'), app.folder, { recursive: true })
      await app.install(...thirdParty('vitest', '@types/node'))
      await app.compile([], '--project', '.')

      const only = ['CON-1', 'PUB-1', 'PUB-4', 'RET-1', 'DLQ-1']
      const pattern = `\\b(${only.join('|')}) `
      const json = await app.bin('vitest', 'run', 'test/conformance.test.js', '-t', pattern, '--reporter=json')
      const report: VitestReport = JSON.parse(json)
      const tests = report.testResults.flatMap((file) => file.assertionResults)
      const ran = tests.filter(({ status }) => status !== 'skipped' && status !== 'pending')
      expect(ran.map(({ status }) => status)).toEqual(only.map(() => 'passed'))

      const tap = await app.node(
        '--test',
        '--test-reporter=tap',
        `--test-name-pattern=${pattern}`,
        'test/conformance.node.js',
      )
      expect(tap).toMatch(/^# fail 0$/m)
      for (const id of only) expect(tap).toMatch(new RegExp(`^ *ok \\d+ - ${id} (?!.*# SKIP)`, 'm'))

      const output = await app.bin('mq-conformance', './test/subject.js', '--only', only.join(','))
      expect(output).toMatch(new RegExp(`^Every promise that was tested holds: ${only.length} passed, 0 failed`, 'm'))
    })
  })

  it('of a patch of core raises core alone, and an adapter is installed with it', async () => {
    workspace.addChangeset('@mq/core', 'patch', 'Nothing is different, but for this sentence.')
    latest = await workspace.version()
    expect(latest).toEqual({ ...first, '@mq/core': raised(first, '@mq/core', 'patch') })
    expect(await workspace.publish()).toEqual([`@mq/core@${latest['@mq/core']}`])
    const app = applicationWith()
    await app.install('@mq/memory')
    const versions = installed(app.folder).map(({ name, version }) => `${name}@${version}`)
    expect(app.read('node_modules/@mq/core/CHANGELOG.md')).toContain(`## ${latest['@mq/core']}\n`)
    expect(versions).toEqual(
      expect.arrayContaining([`@mq/core@${latest['@mq/core']}`, `@mq/memory@${first['@mq/memory']}`]),
    )
    expect(workspace.changelog('@mq/core')).toBe(
      `## ${latest['@mq/core']}\n\n### Patch Changes\n\n- Nothing is different, but for this sentence.`,
    )
  })

  it('of a minor of one adapter raises that one alone', async () => {
    const before = latest
    workspace.addChangeset('@mq/redis', 'minor', 'There is something new.\n\nIt takes a second paragraph.')
    latest = await workspace.version()
    expect(latest).toEqual({ ...before, '@mq/redis': raised(before, '@mq/redis', 'minor') })
    expect(await workspace.publish()).toEqual([`@mq/redis@${latest['@mq/redis']}`])
    expect(workspace.changelog('@mq/redis')).toBe(
      `## ${latest['@mq/redis']}\n\n### Minor Changes\n\n- There is something new.\n\n  It takes a second paragraph.`,
    )
  })

  it('of a major of core raises every adapter by a patch that goes with it', async () => {
    const before = latest
    workspace.addChangeset('@mq/core', 'major', 'Everything is different.')
    latest = await workspace.version()
    const core = raised(before, '@mq/core', 'major')
    const followed = adapters.map((name) => [name, raised(before, name, 'patch')])
    expect(latest).toEqual({ '@mq/core': core, ...Object.fromEntries(followed) })
    expect(await workspace.publish()).toEqual(inOrder(latest))
    expect(workspace.changelog('@mq/core')).toBe(`## ${core}\n\n### Major Changes\n\n- Everything is different.`)
    for (const name of adapters) {
      expect(workspace.changelog(name)).toBe(
        `## ${latest[name]}\n\n### Patch Changes\n\n- Goes with \`@mq/core\` ${core}.`,
      )
    }
  })

  describe.concurrent('as applications get it in any mixture', () => {
    it.each([
      ['an older adapter works with a newer core', (): Pair => [latest, first]],
      ['a newer adapter works with an older core', (): Pair => [first, latest]],
    ] as const)('lets versions be mixed: %s', async (_, mixed) => {
      const [core, adapter] = mixed()
      const app = applicationWith()
      await app.install(
        `@mq/core@${core['@mq/core']}`,
        `@mq/memory@${adapter['@mq/memory']}`,
        ...thirdParty('zod', '@types/node'),
      )
      const cores = installed(app.folder).filter(({ name }) => name === '@mq/core')
      expect(cores).toHaveLength(2)
      app.write('esm.mjs', firstExample())
      expect(await app.node('esm.mjs')).toMatch(printed)
      app.write('mixed.mts', mixedProgram)
      await app.compile(
        ['mixed.mts'],
        '--strict',
        '--target',
        'ES2022',
        '--types',
        'node',
        '--module',
        'nodenext',
        '--skipLibCheck',
      )
      expect(await app.node('mixed.mjs')).toBe('MQ_INVALID_OPTION\ndead: no use\n')
    })

    it('says what to update if an adapter is written for another contract', async () => {
      const app = applicationWith()
      await app.install('@mq/core', '@mq/memory')
      app.write('node_modules/@mq/memory/dist/index.js', 'export default () => ({ contract: 99 })')
      app.write(
        'open.mjs',
        `import { openQueue } from '@mq/core'\nawait openQueue('memory:').catch((e) => console.log(e.code, e.message))`,
      )
      expect(await app.node('open.mjs')).toMatch(
        /^MQ_ADAPTER_INVALID @mq\/memory: .*version 99 of the contract.*update @mq\/core$/m,
      )
    })

    it('is small, and no dependency of other adapters comes with it', async () => {
      const rows = []
      for (const adapter of adapters) {
        const app = applicationWith()
        // Not the peers: an application for which the package is has them already.
        await app.install('@mq/core', adapter, '--omit=peer')
        const modules = join(app.folder, 'node_modules')
        const came = installed(app.folder).map(({ name }) => name)
        expect(came.filter((name) => notForUsers(adapter).includes(name))).toEqual([])
        rows.push({
          adapter,
          packages: came.length,
          unpackedBytes: bytesBelow(join(modules, adapter)),
          coreBytes: bytesBelow(join(modules, '@mq/core')),
          installedBytes: bytesBelow(modules),
        })
      }
      console.log(sizeTable(rows))
      for (const { adapter, installedBytes } of rows) expect(installedBytes, adapter).toBeLessThan(10_000_000)
    })
  })
})

interface VitestReport {
  readonly testResults: readonly { readonly assertionResults: readonly { readonly status: string }[] }[]
}

/** Uses types of both copies of core together, and passes an error and an interruption from one copy to the other. */
const mixedProgram = `
import { createQueue, isMqError, Unrecoverable } from '@mq/core'
import { memory } from '@mq/memory'

try {
  memory({ url: 'memory://x', maxMessageBytes: -1 })
} catch (error) {
  console.log(isMqError(error) ? error.code : error)
}
const queue = createQueue(memory({ url: 'memory://mixed' }), { group: 'mixed' })
await queue.connect()
const dead = new Promise<void>((resolve) => queue.on('settled', () => resolve()))
await queue.subscribe('topic', () => { throw new Unrecoverable('no use') })
await queue.publish('topic', {})
await dead
for (const { failure } of await queue.deadLetters('topic').list()) console.log('dead:', failure.error.message)
await queue.disconnect()
`
