import { Redis } from 'ioredis'
import { report } from '../../src/index.js'

/** Takes what is in a list and reports it before it takes the next, as a consumer of a queue does. */
const [, , url = '', key = ''] = process.argv
const client = new Redis(url)
for (;;) {
  const entry = await client.blpop(key, 1)
  if (entry !== null) await report({ id: entry[1] })
}
