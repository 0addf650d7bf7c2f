import { goneMs } from '../../connection/presence.js'
import { script } from '../../connection/script.js'
import { fieldValue, leaseOf, nowDown } from './lua.js'

/**
 * Looks for work of consumers that are at rest. KEYS: stream, retry stream, due, delayed, lanes, waiting, paused of each. ARGV: for how many ms
 * a claim of a process that is there holds, the beginning of the channels of processes, then a reader for each. That is the name of its
 * group. For one without a group it is the id of the last entry that it has read, behind `=`. The group of a consumer that is not at rest is
 * behind `?`, and a group that its consumer takes for paused is behind `!`. Of these it finds out only whether they are paused.
 *
 * Returns a number for each consumer. 0 means that there is nothing to do, and 2 that it may have to free lanes. 3 means that it may claim a
 * message, and 4 that its group was paused or resumed. 1 means that there is work, or that something is wrong with its keys.
 */
export const lookScript = script(
  `
${nowDown}
${fieldValue}
${leaseOf}
local now = now_down()
local visibility, presence = tonumber(ARGV[1]), ARGV[2]
local groups_of = {}
-- Returns the groups of a stream by their names.
local function groups(stream)
  local known = groups_of[stream]
  if known then return known end
  known = {}
  local found = redis.pcall('XINFO', 'GROUPS', stream)
  if not found.err then
    for _, info in ipairs(found) do known[value_of(info, 'name')] = info end
  end
  groups_of[stream] = known
  return known
end
local function last_of(stream)
  local last = redis.pcall('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  if last.err then return nil end
  return last[1] and last[1][1] or '0-0'
end
local function is_read(stream, group)
  local info = groups(stream)[group]
  if not info then return false end
  local lag = value_of(info, 'lag')
  if lag then return lag == 0 end
  local length = redis.pcall('XLEN', stream)
  return length == 0 or last_of(stream) == value_of(info, 'last-delivered-id')
end
-- Looks at the oldest claims only. A consumer looks through all of them from time to time.
local function is_free(stream, group)
  local info = groups(stream)[group]
  if not info or value_of(info, 'pending') == 0 then return false end
  local found = redis.pcall('XPENDING', stream, group, 'IDLE', math.min(visibility, ${goneMs}), '-', '+', 100)
  if found.err then return false end
  for _, pending in ipairs(found) do
    if pending[2] ~= '~waiting' and pending[3] >= lease_of(pending[2], presence, visibility) then return true end
  end
  return false
end
local function is_early(due)
  local head = redis.pcall('ZRANGE', due, 0, 0, 'WITHSCORES')
  return not head.err and (not head[2] or tonumber(head[2]) > now)
end
local function look(group, stream, retry, due, delayed, lanes, waiting, paused)
  local sign, name = string.sub(group, 1, 1), string.sub(group, 2)
  if sign == '!' then return redis.pcall('HEXISTS', paused, name) == 1 and 0 or 4 end
  if sign == '?' then return redis.pcall('HEXISTS', paused, name) == 1 and 4 or 0 end
  if sign ~= '=' and redis.pcall('HEXISTS', paused, group) == 1 then return 4 end
  if not is_early(delayed) then return 1 end
  if sign == '=' then return last_of(stream) == name and 0 or 1 end
  if not (is_early(due) and is_read(stream, group) and is_read(retry, group)) then return 1 end
  if is_free(stream, group) or is_free(retry, group) then return 3 end
  if redis.pcall('HLEN', lanes) == 0 and redis.pcall('ZCARD', waiting) == 0 then return 0 end
  return 2
end
local out = {}
for i = 3, #ARGV do
  local at = 7 * (i - 2) - 6
  out[i - 2] = look(ARGV[i], unpack(KEYS, at, at + 6))
end
return out
`,
  { whenFull: true },
)
