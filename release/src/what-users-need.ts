import { readJson, workspacePackages } from '../../scripts/lib/workspace.mjs'
import { type Manifest, packages } from './workspace-copy.js'

/**
 * The only run-time dependencies that each package may have: an adapter its driver and core, core its parser of cron expressions, the
 * command and the page their libraries.
 */
export const runtimeDependencies: Readonly<Record<string, readonly string[]>> = {
  '@mq/asyncapi': ['@mq/core', 'yaml'],
  '@mq/cli': ['@mq/core', 'cli-table3', 'commander'],
  '@mq/core': ['croner'],
  '@mq/kafka': ['@mq/core', 'kafkajs'],
  '@mq/memory': ['@mq/core'],
  '@mq/nestjs': ['@mq/core'],
  '@mq/opentelemetry': ['@mq/core'],
  '@mq/page': ['@mq/core', 'preact', 'preact-render-to-string', 'uplot'],
  '@mq/postgres': ['@mq/core', 'pg'],
  '@mq/rabbitmq': ['@mq/core', 'amqplib'],
  '@mq/redis': ['@mq/core', 'ioredis'],
}

/** What a package takes from the application, which may have only one of it. */
export const peers: Readonly<Record<string, readonly string[]>> = {
  '@mq/nestjs': ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'],
  '@mq/opentelemetry': ['@opentelemetry/api'],
}

const workspace: readonly { readonly manifest: Manifest }[] = [
  { manifest: readJson('package.json') },
  ...workspacePackages(),
]

/** Lists what may not come with a package: the drivers of other adapters, and all development dependencies of this repository. */
export function notForUsers(name: string): readonly string[] {
  const own = [name, 'croner', ...(runtimeDependencies[name] ?? []), ...(peers[name] ?? [])]
  const drivers = packages.flatMap(({ manifest }) => Object.keys(manifest.dependencies ?? {}))
  const tools = workspace.flatMap(({ manifest }) => Object.keys(manifest.devDependencies ?? {}))
  return [...drivers, ...tools].filter((each) => !own.includes(each))
}

/** Returns third-party packages for `npm install`, in the versions that this repository has. */
export function thirdParty(...names: readonly string[]): readonly string[] {
  return names.map((name) => {
    const range = workspace.map(({ manifest }) => manifest.devDependencies?.[name]).find((each) => each !== undefined)
    if (range === undefined) throw new Error(`${name} is not a development dependency of this repository`)
    return `${name}@${range}`
  })
}
