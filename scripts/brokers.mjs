// `pnpm brokers up` starts RabbitMQ, Redis, PostgreSQL and Kafka in the foreground, prints their URLs, and stops them on Ctrl-C.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const here = new URL('packages/test-brokers/', root)

if (process.argv[2] !== 'up' || process.argv.length > 3) {
  console.error('Usage: pnpm brokers up')
  process.exit(1)
}
if (!existsSync(new URL('node_modules/', here))) {
  const { packageManager } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  const install = ['--yes', packageManager, 'install', '--frozen-lockfile']
  const { status } = spawnSync('npx', install, { cwd: fileURLToPath(root), stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
await import(new URL('up.mjs', here).href)
