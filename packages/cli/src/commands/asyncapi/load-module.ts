import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CommandFailure, exitCode, usageFailure } from '../../exit-codes.js'
import { describe } from '../../session.js'

const typescript: readonly string[] = ['.ts', '.mts', '.cts', '.tsx']

/** Imports a module of the application. Ends the command with an error that says why it cannot be imported. */
export async function loadModule(given: string): Promise<unknown> {
  const path = resolve(given)
  if (!existsSync(path)) throw usageFailure(`There is no file ${given}`)
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && typescript.includes(extname(path))) {
      const advice = `compile it first, or run NODE_OPTIONS='--import tsx' npx mq asyncapi ${given} with tsx installed`
      throw new CommandFailure(exitCode.failed, `Node ${process.versions.node} does not load TypeScript: ${advice}`)
    }
    const { name } = error as { name?: unknown }
    const kind = typeof name === 'string' && typeof code !== 'string' ? `${name}: ` : ''
    throw new CommandFailure(exitCode.failed, `${given} cannot be loaded: ${kind}${describe(error)}`)
  }
}

/** The names that a document has if nothing else is said. */
export interface Names {
  readonly title: string
  readonly version: string
}

/** Reads name and version of the package that a file belongs to. */
export async function packageNames(given: string): Promise<Names> {
  const path = resolve(given)
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { name, version } = await readManifest(folder)
    if (name !== undefined) return { title: name, version: version ?? '0.0.0' }
    if (dirname(folder) === folder) return { title: basename(path, extname(path)), version: '0.0.0' }
  }
}

async function readManifest(folder: string): Promise<{ name?: string; version?: string }> {
  try {
    return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  } catch {
    return {}
  }
}
