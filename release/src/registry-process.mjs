// Verdaccio on a free port, for as long as who started it lives. Arguments: the folder for all that it stores.
import { join } from 'node:path'
import { runServer } from 'verdaccio'

const [folder] = process.argv.slice(2)
const everyone = { access: '$all', publish: '$all', unpublish: '$all' }

process.on('disconnect', () => process.exit(0))
const server = await runServer({
  self_path: folder,
  storage: join(folder, 'storage'),
  // None: what is not ours comes from where npm is configured to take it from.
  uplinks: {},
  packages: { '@mq/*': everyone },
  auth: { htpasswd: { file: join(folder, 'htpasswd') } },
  web: { enable: false },
  max_body_size: '20mb',
  log: { type: 'stdout', format: 'json', level: 'warn' },
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
