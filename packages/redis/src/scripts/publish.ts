import { script } from '../script.js'
import { fieldValue, isBefore, nextMember, nowUp, trim } from './lua.js'

/** How many ids one generation holds at most. */
const maxIds = 100_000

/**
 * Stores messages. KEYS: stream, delayed, delayed data, seq, ids, old ids, groups. ARGV: how long ids are remembered, how many
 * messages are retained where there is no group, whether a write is wanted whatever happens, then id, delay and fields of each
 * message. Returns whether the topic has a group, then per message 1 (stored), 2 (was there already) or an error's text.
 */
export const publishScript = script(`
${nowUp}
${nextMember}
${isBefore}
${fieldValue}
${trim}
local stream, delayed, data, seq, ids, old, groups = unpack(KEYS)
local window, retain = tonumber(ARGV[1]), tonumber(ARGV[2])
local fresh = false
if window > 0 then
  local left = redis.call('PTTL', ids)
  if left >= 0 and (left < window or redis.call('SCARD', ids) >= ${maxIds}) then
    redis.call('RENAME', ids, old)
    left = -2
  end
  fresh = left < 0
end
if ARGV[3] == '1' then redis.call('INCR', seq) end
local out = {0}
for i = 4, #ARGV, 3 do
  local id, delay, packed = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local done = 1
  local failed
  if window > 0 then
    if redis.call('SISMEMBER', old, id) == 1 then
      done = 2
    else
      local added = redis.pcall('SADD', ids, id)
      if type(added) == 'table' then failed = added.err elseif added == 0 then done = 2 end
    end
  end
  if done == 1 and not failed then
    local stored
    if delay > 0 then
      local member = next_member(seq)
      stored = redis.pcall('HSET', data, member, packed)
      if type(stored) ~= 'table' then stored = redis.pcall('ZADD', delayed, now_up() + delay, member) end
      if type(stored) == 'table' then redis.pcall('HDEL', data, member) end
    else
      stored = redis.pcall('XADD', stream, '*', unpack(cmsgpack.unpack(packed)))
    end
    if type(stored) == 'table' then
      failed = stored.err
      if window > 0 then redis.pcall('SREM', ids, id) end
    end
  end
  out[#out + 1] = failed or done
end
if fresh then redis.call('PEXPIRE', ids, 2 * window) end
if redis.call('HLEN', groups) > 0 then
  out[1] = 1
elseif redis.call('EXISTS', stream) == 1 then
  if #redis.call('XINFO', 'GROUPS', stream) > 0 then out[1] = 1 else trim(stream, groups, retain) end
end
return out
`)
