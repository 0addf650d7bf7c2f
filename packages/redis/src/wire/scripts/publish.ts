import { script } from '../../connection/script.js'
import { addWaiting, fieldValue, isBefore, nowUp, trim } from './lua.js'

/** How many ids one generation holds at most. */
const maxIds = 100_000

/**
 * Stores messages. KEYS: stream, delayed, delayed data, seq, ids, old ids, groups, listeners. ARGV: how long ids are remembered, how many
 * messages a topic without groups retains, whether the script has to write something in any case, and the messages as `joinPacked` makes
 * them.
 *
 * Returns whether the topic has a group or a listener, then position and error of each message that was refused. The others are stored,
 * or were stored before.
 */
export const publishScript = script(`
${nowUp}
${addWaiting}
${isBefore}
${fieldValue}
${trim}
local stream, delayed, data, seq, ids, old, groups, listeners = unpack(KEYS)
local window, retain = tonumber(ARGV[1]), tonumber(ARGV[2])
local messages = {cmsgpack.unpack(ARGV[4])}
-- A key of another type, which another program has written, ends the script at its first use: nothing may be stored before that.
local has_group = redis.call('HLEN', groups) > 0
if not has_group and redis.call('EXISTS', stream) == 1 then has_group = #redis.call('XINFO', 'GROUPS', stream) > 0 end
local is_heard = has_group or redis.call('ZCOUNT', listeners, now_up(), '+inf') > 0
local fresh = false
local all, known, known_before = {}, {}, {}
for i = 1, #messages, 3 do all[#all + 1] = messages[i] end
if window > 0 then
  local left = redis.call('PTTL', ids)
  if left >= 0 and (left < window or redis.call('SCARD', ids) >= ${maxIds}) then
    redis.call('RENAME', ids, old)
    left = -2
  end
  fresh = left < 0
  if left ~= -2 then known = redis.call('SMISMEMBER', ids, unpack(all)) end
  if redis.call('EXISTS', old) == 1 then known_before = redis.call('SMISMEMBER', old, unpack(all)) end
end
if ARGV[3] == '1' and type(redis.pcall('INCR', seq)) == 'table' then redis.call('DEL', seq) end
local out = {is_heard and 1 or 0}
local added, is_added = {}, {}
for i, id in ipairs(all) do
  if window == 0 or not (known[i] == 1 or known_before[i] == 1 or is_added[id]) then
    local delay, packed = messages[3 * i - 1], messages[3 * i]
    local refused
    if delay == '0' then
      refused = redis.pcall('XADD', stream, '*', cmsgpack.unpack(packed))
    else
      refused = add_waiting(delayed, data, now_up() + tonumber(delay), packed)
    end
    if type(refused) == 'table' then
      out[#out + 1] = i
      out[#out + 1] = refused.err
    elseif window > 0 then
      added[#added + 1] = id
      is_added[id] = true
    end
  end
end
if #added > 0 then
  redis.call('SADD', ids, unpack(added))
  if fresh then redis.call('PEXPIRE', ids, 2 * window) end
end
if not has_group and redis.call('EXISTS', stream) == 1 then trim(stream, groups, retain) end
return out
`)
