import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

interface Esbuild {
  build(options: Readonly<Record<string, unknown>>): Promise<unknown>
}

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** The bundler that the tools of this workspace bring along. */
const fromTsx = createRequire(createRequire(join(root, 'packages/test-brokers/package.json')).resolve('tsx'))
const { build } = fromTsx('esbuild') as Esbuild

const program = `
import { isMqError, openQueue, queueConfigFromEnv } from '@mq/core'
import { memory } from '@mq/memory'
import { redis } from '@mq/redis'

const codeOf = (work) => work.then((queue) => queue.type, (error) => isMqError(error) ? error.code + ' ' + error.message : String(error))
const opened = async () => {
  const { url } = queueConfigFromEnv({ MQ_URL: 'redis://127.0.0.1:1' })
  const options = { connectTimeoutMs: 2_000 }
  const adapters = [memory, redis]
  const queue = await openQueue('memory:', { adapters, group: 'g', stopTimeoutMs: 60_000 })
  // Functions that recognise a handler's own calls keep their names in a minified bundle.
  await new Promise((resolve, reject) => {
    queue.subscribe('t', async () => {
      await null
      await queue.disconnect()
      resolve()
    }).then(() => queue.publish('t', 1), reject)
  })
  return [
    await codeOf(openQueue({ type: 'redis', url, ...options }, { adapters })),
    await codeOf(openQueue('redis://127.0.0.1:1')),
    queue.type,
  ]
}
opened().then((codes) => console.log(JSON.stringify(codes)))
`

it.each(['esm', 'cjs'])('a bundle of esbuild as %s opens queues with the adapters that are in it', async (format) => {
  const folder = await mkdtemp(join(tmpdir(), 'mq-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const bundle = join(folder, format === 'esm' ? 'main.mjs' : 'main.cjs')
  await writeFile(join(folder, 'main.ts'), program)
  await build({
    entryPoints: [join(folder, 'main.ts')],
    outfile: bundle,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format,
    tsconfig: join(root, 'tsconfig.json'),
    nodePaths: [join(root, 'packages/redis/node_modules')],
    // Dependencies that are CommonJS call `require` for modules of Node.
    banner:
      format === 'esm'
        ? { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" }
        : {},
    logLevel: 'silent',
  })
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [bundle], { cwd: folder })
  const [withAdapters, without, embedded] = JSON.parse(stdout) as readonly string[]
  expect({ withAdapters, without, embedded, stderr }).toEqual({
    withAdapters: expect.stringMatching(/^MQ_CONNECT_(FAILED|TIMEOUT) /),
    without: expect.stringMatching(/^MQ_ADAPTER_NOT_INSTALLED .*openQueue\(url, \{ adapters: \[redis\] \}\)/),
    embedded: 'memory',
    stderr: '',
  })
})
