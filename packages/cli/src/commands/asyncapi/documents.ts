import { readFile, writeFile } from 'node:fs/promises'
import type { AsyncapiDocument, AsyncapiOptions } from '@mq/asyncapi'
import { CommandFailure, exitCode, usageFailure } from '../../exit-codes.js'
import { describe } from '../../session.js'
import { loadPackage } from '../load-package.js'
import { loadModule, packageNames } from './load-module.js'

export type AsyncapiPackage = typeof import('@mq/asyncapi')

export const loadAsyncapi = (): Promise<AsyncapiPackage> => loadPackage<AsyncapiPackage>('@mq/asyncapi', 'mq asyncapi')

/** The options of a document that the arguments give. */
export type Settings = Partial<Pick<AsyncapiOptions, 'title' | 'version' | 'brokers' | 'prefixes' | 'servers'>>

/** Makes a document of what a module exports. A document that the module has made itself is taken as it is. */
export async function documentOfModule(
  { asyncapi, definitionsIn }: AsyncapiPackage,
  path: string,
  settings: Settings = {},
): Promise<AsyncapiDocument> {
  const { events, tasks, document } = definitionsIn(await loadModule(path))
  if (document !== undefined) {
    const [given] = Object.keys(settings)
    if (given === undefined) return document
    throw usageFailure(`${path} exports a document of its own, which --${flags[given] ?? given} cannot change`)
  }
  if (events.length + tasks.length === 0) {
    const wanted = 'what defineEvent, defineForeignTopic or defineTask returns, or what asyncapi() returns'
    throw new CommandFailure(exitCode.notFound, `${path} exports no definition: export ${wanted}`)
  }
  return asyncapi({ ...(await packageNames(path)), ...settings, events, tasks })
}

const flags: Readonly<Record<string, string>> = {
  version: 'api-version',
  brokers: 'broker',
  prefixes: 'prefix',
  servers: 'server',
}

/** Reads a document from a file of JSON or YAML, or makes it of a module. */
export async function documentAt(asyncapi: AsyncapiPackage, path: string): Promise<AsyncapiDocument> {
  if (!isDocument(path)) return documentOfModule(asyncapi, path)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw usageFailure(`${path} cannot be read: ${describe(error)}`)
  }
  try {
    return asyncapi.readDocument(text)
  } catch (error) {
    throw usageFailure(`${path} is no document that can be compared: ${(error as Error).message}`)
  }
}

const isDocument = (path: string): boolean => /\.(json|ya?ml)$/i.test(path)

/** Returns the format that a file has by its name. */
export const formatOf = (path: string): 'json' | 'yaml' => (/\.ya?ml$/i.test(path) ? 'yaml' : 'json')

export async function writeText(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (error) {
    throw usageFailure(`${path} cannot be written: ${describe(error)}`)
  }
}
