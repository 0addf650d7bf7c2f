import { script } from '../../connection/script.js'
import { laneName } from './lanes.js'
import { addWaiting, isBefore, nowDown, ownedBy } from './lua.js'
import { closeGate, entrySkips } from './skips.js'
import { groupInfo } from './stats.js'

/** Makes a group skip a delayed message of the topic. Returns whether it did not do so before. */
const skipDelayed = `
local function skip_delayed(skipped, delayed, group, member)
  if not redis.call('ZSCORE', delayed, member) then return false end
  local added = redis.call('ZADD', skipped, 0, 'd:' .. group .. ':' .. member)
  redis.call('ZADD', skipped, 0, 'm:' .. member .. ':' .. group)
  return added == 1
end`

/**
 * Removes messages that wait from a group. KEYS: stream, retry stream, due, due data, delayed, waiting, gate, skipped. ARGV: group, then
 * kind and name of each. Returns how many it has removed.
 */
export const removeScript = script(
  `
${groupInfo}
${laneName}
${isBefore}
${ownedBy}
${closeGate}
${entrySkips}
${skipDelayed}
local stream, retry, due, due_data, delayed, waiting, gate, skipped = unpack(KEYS)
local group = ARGV[1]
local infos = {m = info_of(stream, group), r = info_of(retry, group)}
if not infos.m then return 0 end

-- An entry that waits for another of its key is pending. Nothing else that is pending waits.
local function remove_aside(name, kind, id, fields)
  if not owned_by(name, group, id, '~waiting') then return false end
  redis.call('XACK', name, group, id)
  if kind == 'r' then redis.call('XDEL', name, id) end
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  local place = string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
  redis.call('ZREM', waiting, lane_of(fields) .. ':' .. place .. kind)
  return true
end
local function remove_entry(name, kind, named)
  local entry = redis.call('XRANGE', name, named, named)[1]
  if not (entry and infos[kind]) then return false end
  local id = entry[1]
  if not is_before(value_of(infos[kind], 'last-delivered-id'), id) then return remove_aside(name, kind, id, entry[2]) end
  if kind == 'r' then return redis.call('XDEL', name, id) == 1 end
  if is_skipped(skipped, group, id) then return false end
  redis.call('ZADD', skipped, 0, 's:' .. group .. ':' .. id)
  close_gate(gate, group)
  return true
end
local function remove(kind, name)
  if kind == 'm' then return remove_entry(stream, kind, name) end
  if kind == 'r' then return remove_entry(retry, kind, name) end
  if kind == 't' then return skip_delayed(skipped, delayed, group, name) end
  redis.call('HDEL', due_data, name)
  return redis.call('ZREM', due, name) == 1
end
local count = 0
for i = 2, #ARGV, 2 do
  if remove(ARGV[i], ARGV[i + 1]) then count = count + 1 end
end
return count
`,
  { whenFull: true },
)

/**
 * Makes messages of a group ready that are not due yet. A delayed message of the topic stays as it is for the other groups. KEYS: stream,
 * due, due data, delayed, delayed data, skipped. ARGV: group, then kind and name of each. Returns how many it has made ready.
 */
export const runNowScript = script(
  `
${nowDown}
${groupInfo}
${addWaiting}
${skipDelayed}
local stream, due, due_data, delayed, delayed_data, skipped = unpack(KEYS)
local group = ARGV[1]
if not info_of(stream, group) then return 0 end
local now = now_down()
local function is_early(set, name)
  local score = redis.call('ZSCORE', set, name)
  return score and tonumber(score) > now
end
local count = 0
for i = 2, #ARGV, 2 do
  local kind, name = ARGV[i], ARGV[i + 1]
  if kind == 'd' and is_early(due, name) then
    redis.call('ZADD', due, now, name)
    count = count + 1
  elseif kind == 't' and is_early(delayed, name) then
    local packed = redis.call('HGET', delayed_data, name)
    if packed and skip_delayed(skipped, delayed, group, name) then
      local refused = add_waiting(due, due_data, now, packed)
      if refused then return refused end
      count = count + 1
    end
  end
end
return count
`,
  { whenFull: true },
)
