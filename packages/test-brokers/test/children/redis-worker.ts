import { Redis } from 'ioredis'
import { report } from '../../src/index.js'

/** Takes values from a list and reports each before it takes the next, like a consumer of a queue. */
const [, , url = '', key = ''] = process.argv
const client = new Redis(url)
for (;;) {
  const entry = await client.blpop(key, 1)
  if (entry !== null) await report({ id: entry[1] })
}
