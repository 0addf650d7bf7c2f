import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.js'

const modules = fileURLToPath(new URL('nest-11/node_modules', import.meta.url))
const folders = (path: string, prefix = ''): readonly string[] =>
  readdirSync(path).flatMap((name) => {
    if (name.startsWith('.')) return []
    return name.startsWith('@') ? folders(join(path, name), `${name}/`) : `${prefix}${name}`
  })

/** The same tests on Nest 11: each import of Nest, and of what Nest shares with it, leads to the folder that has the older version. */
export default mergeConfig(
  shared,
  defineConfig({
    resolve: {
      alias: folders(modules).map((name) => ({
        find: new RegExp(`^${name}(/.*)?$`),
        replacement: `${join(modules, name)}$1`,
      })),
    },
    test: { name: 'nestjs-11', typecheck: { enabled: false }, provide: { nest: 11 } },
  }),
)
