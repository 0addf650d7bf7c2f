import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Asset {
  readonly body: Buffer
  readonly type: string
}

const types = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' } as const

/** The files of this package that a browser loads. This file stands one folder below them, as a source and in what is built. */
/** The styles in their order: later ones are for smaller parts. */
const styles = [
  'base.css',
  'head.css',
  'texts.css',
  'figures.css',
  'tables.css',
  'forms.css',
  'lists.css',
  'messages.css',
  'phone.css',
] as const
const modules = ['page.js', 'ages.js', 'charts.js', 'keys.js', 'live.js', 'selection.js'] as const
const own = [...styles, ...modules, 'icon.svg'] as const
const charts = ['uPlot.esm.js', 'uPlot.min.css'] as const

export type AssetName = (typeof own)[number] | (typeof charts)[number]

let loaded: ReadonlyMap<string, Asset> | undefined

/** Reads the files once, when the first page is made, so that a missing one is noticed then. */
export function loadAssets(): void {
  assets()
}

function assets(): ReadonlyMap<string, Asset> {
  if (loaded !== undefined) return loaded
  const chartFolder = dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.esm.js'))
  const fileOf = (name: AssetName): string =>
    charts.includes(name as never)
      ? join(chartFolder, name)
      : join(fileURLToPath(new URL('../assets', import.meta.url)), name)
  const names: readonly AssetName[] = [...own, ...charts]
  loaded = new Map(names.map((name) => [name, { body: readFileSync(fileOf(name)), type: typeOf(name) }]))
  return loaded
}

const typeOf = (name: AssetName): string => types[name.slice(name.lastIndexOf('.') + 1) as keyof typeof types]

let version: string | undefined

/** The version of all files together. It is part of their path, because the modules of a browser import each other by relative paths. */
export function assetsVersion(): string {
  if (version !== undefined) return version
  const hash = createHash('sha256')
  for (const { body } of assets().values()) hash.update(body)
  version = hash.digest('hex').slice(0, 12)
  return version
}

/** Sends a file, whose path has the version. Returns false if there is none of that name. */
export function sendAsset(res: ServerResponse, name: string): boolean {
  const asset = assets().get(name)
  if (asset === undefined) return false
  res.setHeader('content-type', asset.type)
  res.setHeader('content-length', asset.body.length)
  res.setHeader('cache-control', 'private, max-age=31536000, immutable')
  res.end(res.req.method === 'HEAD' ? undefined : asset.body)
  return true
}

/** The names of all styles. */
export const styleNames: readonly AssetName[] = ['uPlot.min.css', ...styles]
