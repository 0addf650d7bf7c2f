import { script } from '../../connection/script.js'
import { fieldValue, isBefore, trim } from './lua.js'
import { closeGate, delayedSkips, passSkips } from './skips.js'

/** Creates a consumer group, and its stream only if it may. Returns the reply, an error too. */
const createGroup = `
local function create_group(stream, group, start, may_create)
  if may_create then return redis.pcall('XGROUP', 'CREATE', stream, group, start, 'MKSTREAM') end
  return redis.pcall('XGROUP', 'CREATE', stream, group, start)
end`

/**
 * Creates a group. A declared group that vanished is created again, from the oldest message on, because nobody knows what it had read.
 *
 * KEYS: stream, retry stream, groups, deleted. ARGV: group, where a new group begins (0 or $), and MKSTREAM if a missing stream is to be
 * created. Returns whether the group had been declared before, whether the group or its retry stream had to be created, and the type of
 * the stream's key before.
 */
export const declareScript = script(
  `
${createGroup}
local group = ARGV[1]
local before = redis.call('EXISTS', KEYS[1]) == 1 and 'stream' or 'none'
-- A user who reads streams of ours alone need not be allowed to ask for types.
if ARGV[3] ~= 'MKSTREAM' then before = redis.call('TYPE', KEYS[1]).ok end
local known = redis.call('HEXISTS', KEYS[3], group)
local made = 0
if ARGV[3] ~= 'MKSTREAM' and before ~= 'stream' then return {known, made, before} end
for i, start in ipairs({known == 1 and '0' or ARGV[2], '0'}) do
  local done = create_group(KEYS[i], group, start, i == 2 or ARGV[3] == 'MKSTREAM')
  if done.err and not string.find(done.err, 'BUSYGROUP', 1, true) then return done end
  if done.ok then made = 1 end
end
if known == 0 then redis.call('HSET', KEYS[3], group, redis.call('TIME')[1]) end
redis.call('HDEL', KEYS[4], group)
return {known, made, before}
`,
  { whenFull: true },
)

/**
 * Creates a group again that vanished under a consumer. It continues from where the group was deleted on purpose. Otherwise it continues
 * after the last message that this consumer has seen, or from the beginning if the stream is a new one.
 *
 * KEYS: those of `declareScript`. ARGV: group, id of that message, MKSTREAM or nothing. Returns whether the group had to be created, and whether it had been
 * deleted on purpose.
 */
export const restoreScript = script(
  `
${isBefore}
${createGroup}
local group, last_seen = ARGV[1], ARGV[2]
local start = redis.call('HGET', KEYS[4], group)
local on_purpose = start and 1 or 0
if not start then
  local last = redis.call('EXISTS', KEYS[1]) == 1 and redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  start = last and not is_before(last[1], last_seen) and last_seen or '0'
end
local made = 0
for i, id in ipairs({start, '0'}) do
  local done = create_group(KEYS[i], group, id, i == 2 or ARGV[3] == 'MKSTREAM')
  if done.err and not string.find(done.err, 'BUSYGROUP', 1, true) then return done end
  if done.ok then made = 1 end
end
redis.call('HSET', KEYS[3], group, redis.call('TIME')[1])
return {made, on_purpose}
`,
  { whenFull: true },
)

/** How many deleted groups are remembered, for the consumers that they may still have. */
const maxDeleted = 1_000

/**
 * Deletes a group with everything that belongs to it. KEYS: stream, groups, deleted, paused, gate, skipped, then the group's own keys.
 * ARGV: group, how many messages are retained, or -1 if the stream is not ours to trim.
 */
export const deleteScript = script(
  `
${isBefore}
${fieldValue}
${trim}
${closeGate}
${passSkips}
${delayedSkips}
local group = ARGV[1]
local own = {}
for i = 7, #KEYS do own[#own + 1] = KEYS[i] end
redis.call('UNLINK', unpack(own))
redis.call('HDEL', KEYS[2], group)
redis.call('HDEL', KEYS[4], group)
close_gate(KEYS[5], group)
forget_skips(KEYS[6], group)
for _, member in ipairs(delayed_skips(KEYS[6], group)) do
  redis.call('ZREM', KEYS[6], 'd:' .. group .. ':' .. member, 'm:' .. member .. ':' .. group)
end
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
 * Removes a consumer that owns nothing. One that owns messages stays, because Redis would drop them together with it.
 * KEYS: consumers, stream, retry stream, gate. ARGV: group, consumer.
 */
export const leaveScript = script(
  `
redis.call('ZREM', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])
for i = 2, 4 do
  local stream = KEYS[i]
  local pending = redis.pcall('XPENDING', stream, ARGV[1], '-', '+', 1, ARGV[2])
  if not pending.err and #pending == 0 then redis.call('XGROUP', 'DELCONSUMER', stream, ARGV[1], ARGV[2]) end
end
return 1
`,
  { whenFull: true },
)
