import { script } from '../../connection/script.js'
import { fieldValue, nowUp } from './lua.js'

/**
 * Returns the id of the last entry of a topic's stream, and how many entries were ever added to it. Registers the listener for some time.
 * KEYS: stream, listeners. ARGV: name of the listener, for how many ms it counts as present.
 */
export const positionScript = script(
  `
${fieldValue}
${nowUp}
local now, lasting = now_up(), tonumber(ARGV[2])
redis.call('ZADD', KEYS[2], now + lasting, ARGV[1])
local crashed = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)
if #crashed > 0 then redis.call('ZREM', KEYS[2], unpack(crashed)) end
redis.call('PEXPIRE', KEYS[2], 2 * lasting)
if redis.call('EXISTS', KEYS[1]) == 0 then return {'0-0', 0} end
local info = redis.call('XINFO', 'STREAM', KEYS[1])
return {value_of(info, 'last-generated-id'), value_of(info, 'entries-added')}
`,
  { whenFull: true },
)

/** Removes a listener. KEYS: listeners. ARGV: its name. */
export const unlistenScript = script("return redis.call('ZREM', KEYS[1], ARGV[1])", { whenFull: true })
