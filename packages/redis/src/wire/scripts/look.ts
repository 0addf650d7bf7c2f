import { script } from '../../connection/script.js'
import { fieldValue, nowDown } from './lua.js'

/**
 * Looks for work of consumers that are at rest. KEYS: stream, retry stream, due, delayed, lanes, waiting of each. ARGV: group of each, or the
 * id of the last entry that it has read, behind `=`, if it has no group.
 *
 * Returns a number for each consumer. 0 means that there is nothing to do, and 2 that it may have to free lanes. 1 means that there is
 * work, or that something is wrong with its keys.
 */
export const lookScript = script(
  `
${nowDown}
${fieldValue}
local now = now_down()
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
local function is_early(due)
  local head = redis.pcall('ZRANGE', due, 0, 0, 'WITHSCORES')
  return not head.err and (not head[2] or tonumber(head[2]) > now)
end
local function look(group, stream, retry, due, delayed, lanes, waiting)
  if not is_early(delayed) then return 1 end
  if string.sub(group, 1, 1) == '=' then return last_of(stream) == string.sub(group, 2) and 0 or 1 end
  if not (is_early(due) and is_read(stream, group) and is_read(retry, group)) then return 1 end
  if redis.pcall('HLEN', lanes) == 0 and redis.pcall('ZCARD', waiting) == 0 then return 0 end
  return 2
end
local out = {}
for i, group in ipairs(ARGV) do
  local at = 6 * i - 5
  out[i] = look(group, unpack(KEYS, at, at + 5))
end
return out
`,
  { whenFull: true },
)
