import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { requireAdapter } from '../../adapter.js'
import type { Adapter } from '../../index.js'
import { applicationFolders, resolvePackage } from '../../open/resolve-package.js'
import type { JsonObject } from '../subject.js'

export type AdapterFactory = (options: JsonObject) => Adapter

/** Returns the URL for `import()`: a URL as it is, a path from the working directory, a package's entry point. */
export async function moduleUrl(specifier: string | URL): Promise<string> {
  const text = String(specifier)
  if (/^[a-z]+:/i.test(text)) return text
  if (/^\.{0,2}\//.test(text)) return pathToFileURL(resolve(text)).href
  const url = await resolvePackage(text, applicationFolders())
  if (url === undefined) throw new TypeError(`The package ${text} is not installed here`)
  return url
}

/** Imports the factory that a module exports by default. The returned factory checks each adapter. */
export async function loadFactory(url: string): Promise<AdapterFactory> {
  const { default: factory } = (await import(url)) as { readonly default?: unknown }
  if (typeof factory !== 'function') {
    throw new TypeError(`${url} exports no adapter factory by default: export default (options) => adapter`)
  }
  return (options) => {
    const adapter: unknown = factory(options)
    if (adapter instanceof Promise) throw new TypeError(`The factory of ${url} must return an adapter, not a promise`)
    requireAdapter(adapter)
    return adapter
  }
}
