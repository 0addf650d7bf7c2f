import { script } from './script.js'

/**
 * Tries every command that the other scripts use, on keys that do not exist or are removed at once. Returns the names of the commands
 * that this user may not call. KEYS: three that nothing else uses.
 */
export const probeScript = script(
  `
local a, b, c = unpack(KEYS)
local denied = {}
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return end
  local text = reply.err
  if string.find(text, 'NOPERM', 1, true) or string.find(text, 'permission', 1, true) or string.find(text, 'can.t run') or string.find(text, 'can.t access') then
    denied[#denied + 1] = select(1, ...)
  end
end
try('TIME')
try('EXISTS', a)
try('INCR', a)
try('DEL', a)
try('HSET', a, 'f', 'v')
try('HSETNX', a, 'f', 'v')
try('HGET', a, 'f')
try('HGETALL', a)
try('HKEYS', a)
try('HLEN', a)
try('HEXISTS', a, 'f')
try('HDEL', a, 'f')
try('SADD', b, 'm')
try('SMISMEMBER', b, 'm')
try('SREM', b, 'x')
try('SCARD', b)
try('SRANDMEMBER', b, 1)
try('PEXPIRE', b, 1000)
try('PTTL', b)
try('RENAME', b, c)
try('ZADD', a, 0, 'm')
try('ZRANGE', a, 0, 0)
try('ZSCORE', a, 'm')
try('ZCARD', a)
try('ZCOUNT', a, 0, 0)
try('ZLEXCOUNT', a, '-', '+')
try('ZREM', a, 'm')
try('XADD', a, '1-1', 'f', 'v')
try('XLEN', a)
try('XRANGE', a, '-', '+')
try('XREVRANGE', a, '+', '-')
try('XDEL', a, '1-1')
try('XTRIM', a, 'MAXLEN', 0)
try('XGROUP', 'CREATE', a, 'g', '0')
try('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', a, '>')
try('XREAD', 'COUNT', 1, 'STREAMS', a, '9-9')
try('XPENDING', a, 'g')
try('XCLAIM', a, 'g', 'c', 0, '1-1', 'JUSTID')
try('XACK', a, 'g', '1-1')
try('XINFO', 'GROUPS', a)
try('UNLINK', a)
try('UNLINK', c)
return denied
`,
  { whenFull: true },
)
