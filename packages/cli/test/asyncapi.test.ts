import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Ended, mq, mqJson } from './support/mq.js'

const cwd = fileURLToPath(new URL('..', import.meta.url))
const bin = join(cwd, 'dist/main.js')
const modules = 'test/modules'

interface Document {
  readonly info: object
  readonly servers?: object
  readonly channels: Readonly<Record<string, { readonly bindings: object }>>
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mq-asyncapi-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

/** The lines of a table, with one space between their cells. */
const lines = ({ stdout }: Ended): readonly string[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '))

describe('mq asyncapi', () => {
  it('prints the document of a module, with the name and the version of its package', async () => {
    const { code, stdout, stderr } = await mq(['asyncapi', `${modules}/events.mjs`])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const document: Document = JSON.parse(stdout)
    expect(document.info).toEqual({ title: '@mq/cli', version: '0.0.0' })
    expect(Object.keys(document.channels)).toEqual(['user.created', 'task.send-email', 'task-replies'])
    expect(stdout).toContain('\n  "channels"')
    expect(await mqJson(['asyncapi', `${modules}/events.mjs`])).toEqual(document)
  })

  it('prints YAML, and takes names, brokers, prefixes and servers', async () => {
    const names = ['--title', 'Shop', '--api-version', '2.0.0', '--prefix', 'kafka=eu']
    const servers = ['--server', 'logs=kafka://ada:geheim@one:9092', '--server', 'jobs=redis://two']
    const { code, stdout } = await mq(['asyncapi', `${modules}/events.mjs`, '--yaml', ...names, ...servers])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^asyncapi: 3\.0\.0\ninfo:\n {2}title: Shop\n {2}version: 2\.0\.0\n/)
    expect(stdout).toContain('topic: eu--user.created')
    expect(stdout).toContain('host: one:9092')
    expect(stdout).not.toMatch(/geheim|amqp/)
    const { channels } = await mqJson<Document>(['asyncapi', `${modules}/events.mjs`, '--broker', 'redis'])
    expect(channels['user.created']?.bindings).toEqual({ redis: {} })
  })

  it('takes a document that the module has made as it is', async () => {
    const document = await mqJson<Document>(['asyncapi', `${modules}/own-document.mjs`])
    expect(document.info).toEqual({ title: 'Shop', version: '3.1.4' })
    expect(await mq(['asyncapi', `${modules}/own-document.mjs`, '--broker', 'kafka'])).toEqual({
      code: 2,
      stdout: '',
      stderr: `mq: ${modules}/own-document.mjs exports a document of its own, which --broker cannot change\n`,
    })
  })

  it('writes to a file, in the format of its name', async () => {
    const path = join(await folder(), 'asyncapi.yml')
    expect(await mq(['asyncapi', `${modules}/events.mjs`, '--output', path])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(await readFile(path, 'utf8')).toMatch(/^asyncapi: 3\.0\.0\n/)
    const nowhere = join(path, 'below')
    expect(await mq(['asyncapi', `${modules}/events.mjs`, '--output', nowhere])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot be written'),
    })
  })

  it('says which message has no schema, and fails for it if it is strict', async () => {
    const loose = await mq(['asyncapi', `${modules}/without-schema.mjs`])
    expect(loose).toMatchObject({ code: 0, stderr: expect.stringMatching(/^mq: bare: The payload is not described: /) })
    const strict = await mq(['asyncapi', `${modules}/without-schema.mjs`, '--strict'])
    expect(strict).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('1 without a schema') })
  })

  it.each([
    ['a file that is not there', 'missing.mjs', 2, /^mq: There is no file test\/modules\/missing\.mjs\n$/],
    ['a module without definitions', 'nothing.mjs', 3, /nothing\.mjs exports no definition: export what defineEvent/],
    ['a module that throws', 'throws.mjs', 1, /throws\.mjs cannot be loaded: RangeError: the database is down\n$/],
  ])('%s ends it with an error that says so', async (_, name, code, text) => {
    const ended = await mq(['asyncapi', `${modules}/${name}`])
    expect(ended).toEqual({ code, stdout: '', stderr: expect.stringMatching(text) })
  })

  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const loadsTypes = major > 22 || (major === 22 && minor >= 18)

  it('loads TypeScript with tsx, and says so if Node cannot by itself', async () => {
    const path = `${modules}/events.ts`
    const bare = await mq(['asyncapi', path])
    if (loadsTypes) expect(bare).toMatchObject({ code: 0 })
    else
      expect(bare).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining("NODE_OPTIONS='--import tsx'"),
      })
    const { code, stdout } = await mq(['asyncapi', path], { env: { NODE_OPTIONS: '--import tsx' } })
    expect(code).toBe(0)
    expect(Object.keys(JSON.parse(stdout).channels)).toEqual(['typed'])
  })
})

describe('mq asyncapi diff', () => {
  let old: string
  let now: string
  beforeAll(async () => {
    const place = await mkdtemp(join(tmpdir(), 'mq-asyncapi-'))
    ;[old, now] = [join(place, 'old.json'), join(place, 'new.yaml')]
    for (const [name, path] of [
      ['events', old],
      ['changed', now],
    ] as const) {
      await promisify(execFile)(process.execPath, [bin, 'asyncapi', `${modules}/${name}.mjs`, '--output', path], {
        cwd,
      })
    }
    return () => rm(place, { recursive: true })
  })

  const table = [
    'BREAKS CHANNEL FIELD CHANGE',
    'readers user.created email is gone',
    'writers user.created locale is new and required',
    'nobody user.created plan is new and optional',
  ]
  const broken = 'mq: 1 change breaks readers, and 1 change breaks writers\n'

  it('shows what breaks whom, and ends with 1', async () => {
    const ended = await mq(['asyncapi', 'diff', old, now])
    expect(ended).toMatchObject({ code: 1, stderr: broken })
    expect(lines(ended)).toEqual(table)
  })

  it('compares modules and documents, also with --against', async () => {
    const ended = await mq(['asyncapi', 'diff', old, `${modules}/changed.mjs`])
    expect({ ...ended, lines: lines(ended) }).toMatchObject({ code: 1, lines: table })
    const against = await mq(['asyncapi', `${modules}/changed.mjs`, '--against', old])
    expect({ ...against, lines: lines(against) }).toMatchObject({ code: 1, stderr: broken, lines: table })
  })

  it('leaves the file as it was if a change breaks somebody', async () => {
    const path = join(await folder(), 'asyncapi.json')
    await writeFile(path, await readFile(old))
    const changed = ['asyncapi', `${modules}/changed.mjs`, '--against', path, '--output', path]
    expect(await mq(changed)).toMatchObject({ code: 1 })
    expect(await readFile(path, 'utf8')).toBe(await readFile(old, 'utf8'))
    expect(await mq([...changed, '--fail-on', 'none'])).toMatchObject({ code: 0, stderr: '' })
    expect(await readFile(path, 'utf8')).not.toBe(await readFile(old, 'utf8'))
  })

  it.each([
    ['readers', 1],
    ['writers', 1],
    ['any', 1],
    ['none', 0],
  ])('--fail-on %s ends it with %i', async (whom, code) => {
    expect(await mq(['asyncapi', 'diff', old, now, '--fail-on', whom])).toMatchObject({ code })
  })

  it('a change for writers alone is none for readers', async () => {
    const required = join(await folder(), 'required.json')
    const document = JSON.parse(await readFile(old, 'utf8'))
    document.components.schemas['user.created'].required = ['id']
    await writeFile(required, JSON.stringify(document))
    expect(await mq(['asyncapi', 'diff', required, old, '--fail-on', 'readers'])).toMatchObject({ code: 0 })
    expect(await mq(['asyncapi', 'diff', required, old, '--fail-on', 'writers'])).toMatchObject({ code: 1 })
  })

  it('prints changes as JSON, and none if nothing has changed', async () => {
    const { code, stdout } = await mq(['asyncapi', 'diff', old, now, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)[0]).toEqual({
      breaks: 'readers',
      channel: 'user.created',
      path: 'email',
      text: 'is gone',
    })
    expect(await mqJson(['asyncapi', 'diff', old, old])).toEqual([])
    expect(await mq(['asyncapi', 'diff', old, old])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'mq: nothing has changed for readers and writers\n',
    })
  })

  it('escapes what a terminal would obey', async () => {
    const path = join(await folder(), 'old.json')
    await writeFile(path, (await readFile(old, 'utf8')).replaceAll('user.created', 'user\\u001b[2J'))
    const { stdout } = await mq(['asyncapi', 'diff', path, now])
    expect(stdout).toContain('user\\u001b[2J')
    expect(stdout).not.toContain('\u001b')
  })

  it.each([
    ['no document', '[]', /no document that can be compared: It is no AsyncAPI document/],
    ['another version', 'asyncapi: 2.6.0', /It is AsyncAPI 2\.6\.0; 3 is needed/],
    ['a broken text', '{"asyncapi"', /neither JSON nor YAML/],
  ])('%s is wrong use', async (_, text, reason) => {
    const path = join(await folder(), 'bad.yaml')
    await writeFile(path, text)
    expect(await mq(['asyncapi', 'diff', path, now])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(reason),
    })
  })
})
