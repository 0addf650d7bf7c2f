// `pnpm brokers`: starts the brokers of docker-compose.yml and shows how tests are pointed at them. `pnpm brokers down` ends
// them and forgets what they hold.
import { spawnSync } from 'node:child_process'
import { root } from './lib/workspace.mjs'

const actions = {
  up: ['up', '--detach', '--wait'],
  down: ['down', '--volumes'],
}
const [action = 'up', ...services] = process.argv.slice(2)

if (Object.hasOwn(actions, action)) {
  const { status, error } = spawnSync('docker', ['compose', ...actions[action], ...services], {
    cwd: root,
    stdio: 'inherit',
  })
  if (error !== undefined) console.error(`docker could not be started: ${error.message}`)
  process.exitCode = status ?? 1
  if (status === 0 && action === 'up') {
    console.log(`
export MQ_TEST_RABBITMQ_URL=amqp://guest:guest@127.0.0.1:5672
export MQ_TEST_REDIS_URL=redis://127.0.0.1:6379
export MQ_TEST_KAFKA_URL=kafka://127.0.0.1:9092`)
  }
} else {
  console.error(`There is no '${action}': pnpm brokers [up | down] [rabbitmq] [redis] [kafka]`)
  process.exitCode = 1
}
