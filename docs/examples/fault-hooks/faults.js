import { proxyFaults } from '@mq/core/conformance'

/** @import { ForeignStream } from '@mq/core/adapter' */
/** @import { Faults } from '@mq/core/conformance' */
/** @import { Started } from './subject.js' */

const secret = 'canary-7f3a!'
/** @param {string} url */
const withSecret = (url) => Object.assign(new URL(url), { password: secret }).href

/** Names all keys of the adapter, and the groups in its streams. */
const names = `
  local names = redis.call('KEYS', 'mq:*')
  for _, key in ipairs(redis.call('KEYS', 'mq:*:stream')) do
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do names[#names + 1] = key .. ' ' .. group[2] end
  end
  return names`

/**
 * Adds to a stream what a program without this library would.
 * @param {Started} started
 * @param {string} stream
 * @param {Uint8Array} body
 */
const add = async ({ server }, stream, body) => void (await server.ask(['XADD', stream, '*', 'data'], body))

/** @type {Required<Faults<Started>>} */
export const faults = {
  // These are cut, refuse, freeze, slow, dropAnswer, connections and link.
  ...proxyFaults(({ link }) => link),
  kill: ({ server }) => server.kill(),
  restart: ({ server }) => server.restart(),
  async block({ server }) {
    await server.ask(['CONFIG', 'SET', 'maxmemory', '1'])
  },
  async heal({ link, server }) {
    await link.heal()
    await server.ask(['CONFIG', 'SET', 'maxmemory', '0'])
  },
  leftovers: async ({ server }) => (await server.ask(['EVAL', names, '0'])).split('\n').filter(Boolean),
  async destroy({ server }, { topic }) {
    await server.ask(['DEL', `mq:{${topic}}:stream`])
  },
  publishForeign: (started, topic, body) => add(started, `mq:{${topic}}:stream`, body),
  async foreignPlaces(started, name) {
    await add(started, name, new Uint8Array())
    return [{ stream: name, field: 'data' }]
  },
  writeForeign: (started, at, body) => add(started, /** @type {ForeignStream} */ (at).stream, body),
  wrongCredentials: ({ link }) => ({ options: { url: withSecret(link.url) }, secret }),
  unreachable: () => ({ options: { url: withSecret('redis://127.0.0.1:1') }, secret }),
  untrusted: ({ door }) => ({ options: { url: door.url.replace('redis:', 'rediss:') } }),
}
