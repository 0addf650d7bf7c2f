import { script } from '../../connection/script.js'
import { fieldValue, isBefore, nowDown, nowUp, trim } from './lua.js'

/**
 * Makes a group, or makes it again where it had vanished: then from the oldest message, as nobody knows what it had read.
 * KEYS: stream, retry stream, groups, deleted. ARGV: group, where a new one begins (0 or $). Returns whether it had been declared
 * before, and whether it or its retry stream had to be made.
 */
export const declareScript = script(
  `
local group = ARGV[1]
local known = redis.call('HEXISTS', KEYS[3], group)
local made = 0
for i, start in ipairs({known == 1 and '0' or ARGV[2], '0'}) do
  local done = redis.pcall('XGROUP', 'CREATE', KEYS[i], group, start, 'MKSTREAM')
  if done.err and not string.find(done.err, 'BUSYGROUP', 1, true) then return done end
  if done.ok then made = 1 end
end
if known == 0 then redis.call('HSET', KEYS[3], group, redis.call('TIME')[1]) end
redis.call('HDEL', KEYS[4], group)
return {known, made}
`,
  { whenFull: true },
)

/**
 * Makes a group that vanished under a consumer: from where it was deleted on purpose, else after the last message that this
 * consumer has seen, or from the start of a stream that is a new one. KEYS: as \`declareScript\`. ARGV: group, id of that message.
 * Returns whether it had to be made, and whether it had been deleted on purpose.
 */
export const restoreScript = script(
  `
${isBefore}
local group, seen = ARGV[1], ARGV[2]
local start = redis.call('HGET', KEYS[4], group)
local on_purpose = start and 1 or 0
if not start then
  local last = redis.call('EXISTS', KEYS[1]) == 1 and redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  start = last and not is_before(last[1], seen) and seen or '0'
end
local made = 0
for i, id in ipairs({start, '0'}) do
  local done = redis.pcall('XGROUP', 'CREATE', KEYS[i], group, id, 'MKSTREAM')
  if done.err and not string.find(done.err, 'BUSYGROUP', 1, true) then return done end
  if done.ok then made = 1 end
end
redis.call('HSET', KEYS[3], group, redis.call('TIME')[1])
return {made, on_purpose}
`,
  { whenFull: true },
)

/** So many groups that were deleted are remembered, for the consumers that they may still have. */
const maxDeleted = 1_000

/**
 * Removes a group with all that it has. KEYS: stream, groups, deleted, then the group's own keys. ARGV: group, how many messages
 * are retained.
 */
export const deleteScript = script(
  `
${isBefore}
${fieldValue}
${trim}
local group = ARGV[1]
local own = {}
for i = 4, #KEYS do own[#own + 1] = KEYS[i] end
redis.call('UNLINK', unpack(own))
redis.call('HDEL', KEYS[2], group)
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('XGROUP', 'DESTROY', KEYS[1], group) == 1 then
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  if redis.call('HLEN', KEYS[3]) >= ${maxDeleted} then redis.call('UNLINK', KEYS[3]) end
  redis.call('HSET', KEYS[3], group, last and last[1] or '0')
end
trim(KEYS[1], KEYS[2], tonumber(ARGV[2]))
return 1
`,
  { whenFull: true },
)

/**
 * Lets a consumer go that has nothing in hand. With messages in hand it stays, as its messages would be gone with it.
 * KEYS: stream, retry stream. ARGV: group, consumer.
 */
export const leaveScript = script(
  `
for _, stream in ipairs(KEYS) do
  local pending = redis.pcall('XPENDING', stream, ARGV[1], '-', '+', 1, ARGV[2])
  if not pending.err and #pending == 0 then redis.call('XGROUP', 'DELCONSUMER', stream, ARGV[1], ARGV[2]) end
end
return 1
`,
  { whenFull: true },
)

/**
 * Counts: ready (-1 where the broker cannot tell), in flight, delayed, dead. KEYS: stream, retry stream, due, delayed, dead,
 * waiting. ARGV: group.
 */
export const statsScript = script(`
${nowDown}
${fieldValue}
local group = ARGV[1]
local function info_of(stream)
  if redis.call('EXISTS', stream) == 0 then return nil end
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    if value_of(info, 'name') == group then return info end
  end
end
local main, retry = info_of(KEYS[1]), info_of(KEYS[2])
local waiting = redis.call('ZCARD', KEYS[6])
local due = redis.call('ZCOUNT', KEYS[3], '-inf', now_down())
local ready, running = waiting + due, -waiting
if main then
  local lag = value_of(main, 'lag')
  ready = lag and ready + lag or -1
  running = running + value_of(main, 'pending')
end
if retry then running = running + value_of(retry, 'pending') end
local delayed = redis.call('ZCARD', KEYS[3]) - due + redis.call('ZCARD', KEYS[4])
return {ready, math.max(0, running), delayed, redis.call('XLEN', KEYS[5])}
`)

/**
 * Where a topic's stream ends, and how many entries were ever added to it. Says too that a listener is there, until it says so
 * again. KEYS: stream, listeners. ARGV: name of the listener, for how long.
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

/** A listener is gone. KEYS: listeners. ARGV: its name. */
export const unlistenScript = script("return redis.call('ZREM', KEYS[1], ARGV[1])", { whenFull: true })
