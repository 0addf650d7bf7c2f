// Runs Verdaccio on a free port until the parent process ends. The argument is the folder for its files.
import { join } from 'node:path'
import { runServer } from 'verdaccio'

const [folder] = process.argv.slice(2)
const everyone = { access: '$all', publish: '$all', unpublish: '$all' }

process.on('disconnect', () => process.exit(0))
const server = await runServer({
  self_path: folder,
  storage: join(folder, 'storage'),
  // No uplinks: npm takes all other packages from its configured registry.
  uplinks: {},
  packages: { '@mq/*': everyone },
  auth: { htpasswd: { file: join(folder, 'htpasswd') } },
  web: { enable: false },
  max_body_size: '20mb',
  log: { type: 'stdout', format: 'json', level: 'warn' },
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
