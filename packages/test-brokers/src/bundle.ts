import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

interface Esbuild {
  build(options: Readonly<Record<string, unknown>>): Promise<unknown>
}

export interface BundleOptions {
  readonly format: 'esm' | 'cjs'
  /** The folder of the package whose dependencies the program may import. */
  readonly package: URL
}

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** The bundler that tsx brings along. */
const fromTsx = createRequire(createRequire(import.meta.url).resolve('tsx'))

/**
 * Makes a TypeScript program and the sources of this workspace into one minified file, as esbuild does for an application, and runs it in
 * a folder without any package. Resolves with what it prints. Rejects if it fails.
 */
export async function runBundle(
  program: string,
  { format, package: folder }: BundleOptions,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const { build } = fromTsx('esbuild') as Esbuild
  const built = await mkdtemp(join(tmpdir(), 'mq-bundle-'))
  try {
    const bundle = join(built, format === 'esm' ? 'main.mjs' : 'main.cjs')
    await writeFile(join(built, 'main.ts'), program)
    await build({
      entryPoints: [join(built, 'main.ts')],
      outfile: bundle,
      bundle: true,
      minify: true,
      platform: 'node',
      target: 'node20',
      format,
      tsconfig: join(root, 'tsconfig.json'),
      nodePaths: [fileURLToPath(new URL('node_modules', folder))],
      banner: format === 'esm' ? { js: requireInModules } : {},
      logLevel: 'silent',
    })
    // A package manager that runs tests may name folders with packages.
    const env = { ...process.env, NODE_PATH: '' }
    return await promisify(execFile)(process.execPath, [bundle], { cwd: built, env, timeout: 60_000 })
  } finally {
    await rm(built, { recursive: true })
  }
}

/** Dependencies that are CommonJS call `require` for modules of Node. */
const requireInModules = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)"
