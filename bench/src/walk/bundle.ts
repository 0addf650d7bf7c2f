import { writeFile } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = resolve(here, '../../..')

export interface Bundle {
  /** Returns the file, from the root of the repository, that the code at this place of the bundle was written in. */
  sourceOf(offset: number): string | undefined
}

/**
 * Puts the sources of core, of one adapter and of `message.ts` into one file, which keeps the names of functions. Other packages
 * stay outside, so the file must lie where they are found.
 */
export async function bundleInto(file: string, adapter: string): Promise<Bundle> {
  const contents = `import { walk } from './message.ts'\nimport adapter from '@mq/${adapter}'\nawait walk(adapter)`
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here, loader: 'ts' },
    outfile: file,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'external',
    tsconfig: resolve(root, 'tsconfig.json'),
    write: false,
  })
  const textOf = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
  const code = textOf('.mjs')
  await writeFile(file, code)
  const map = new SourceMap(JSON.parse(textOf('.mjs.map')))
  const lineStarts = [...code.matchAll(/^/gm)].map(({ index }) => index)

  return {
    sourceOf(offset) {
      const line = lineStarts.findLastIndex((start) => start <= offset)
      const { originalSource } = map.findEntry(line, offset - (lineStarts[line] ?? 0)) as { originalSource?: string }
      return originalSource === undefined ? undefined : relative(root, resolve(dirname(file), originalSource))
    },
  }
}
