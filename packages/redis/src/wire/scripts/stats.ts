import { script } from '../../connection/script.js'
import { fieldValue, headScore, nowDown } from './lua.js'
import { delayedSkips, entrySkips } from './skips.js'

/** How many entries that a group skips may stand before the first one that it takes, so that a look for it is short. */
const maxPassed = 100
/** Ids below this are no times: another program has chosen them. */
const minTimeMs = 1_000_000_000_000

/** Finds the group at a stream. */
export const groupInfo = `
${fieldValue}
local function info_of(stream, group)
  if redis.call('EXISTS', stream) == 0 then return nil end
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    if value_of(info, 'name') == group then return info end
  end
end`

/**
 * Counts messages: ready (-1 if Redis cannot tell), in flight, delayed, retrying, dead. Then follow how long the oldest ready message could
 * have run (-1 if unknown), how long ago the oldest dead letter failed, and the mark of a pause or ''. Returns nothing if there is no such
 * group.
 *
 * KEYS: stream, retry stream, due, delayed, dead, waiting, skipped, paused. ARGV: group.
 */
export const statsScript = script(`
${nowDown}
${groupInfo}
${headScore}
${entrySkips}
${delayedSkips}
local stream, retry, due, delayed, dead, waiting, skipped, paused = unpack(KEYS)
local group = ARGV[1]
local now = now_down()
local main, own = info_of(stream, group), info_of(retry, group)
if not main and not own then return {} end

-- Delayed messages of the topic that are due are ready, whether or not somebody has moved them.
local passed, skips_early, skips_due = 0, 0, {}
for _, member in ipairs(delayed_skips(skipped, group)) do
  local score = redis.call('ZSCORE', delayed, member)
  if score and tonumber(score) <= now then
    skips_due[member] = true
    passed = passed + 1
  elseif score then
    skips_early = skips_early + 1
  end
end
local due_topic = redis.call('ZCOUNT', delayed, '-inf', now)
local early = redis.call('ZCARD', delayed) - due_topic - skips_early
local due_own = redis.call('ZCOUNT', due, '-inf', now)
local set_aside = redis.call('ZCARD', waiting)
local ready, running = set_aside + due_own + due_topic - passed, -set_aside
if main then
  local lag = value_of(main, 'lag')
  ready = lag and ready + lag - skips_left(skipped, group) or -1
  running = running + value_of(main, 'pending')
end
if own then
  local pending = value_of(own, 'pending')
  running = running + pending
  if ready >= 0 then ready = ready + math.max(0, redis.call('XLEN', retry) - pending) end
end

local oldest, is_known = nil, true
local function note(time)
  if time < ${minTimeMs} then is_known = false end
  if not oldest or time < oldest then oldest = time end
end
local function time_of(id) return tonumber(string.match(id, '^%d+')) end
local function note_first(name, info, is_read)
  if not info then return end
  local after = '(' .. value_of(info, 'last-delivered-id')
  for _ = 1, ${maxPassed} do
    local entry = redis.call('XRANGE', name, after, '+', 'COUNT', 1)[1]
    if not entry then return end
    if not is_read(entry[1]) then return note(time_of(entry[1])) end
    after = '(' .. entry[1]
  end
  is_known = false
end
note_first(stream, main, function(id) return is_skipped(skipped, group, id) end)
note_first(retry, own, function() return false end)
if set_aside > 0 then
  for _, name in ipairs({stream, retry}) do
    local first = redis.pcall('XPENDING', name, group, '-', '+', 1, '~waiting')
    if not first.err and first[1] then note(time_of(first[1][1])) end
  end
end
if due_own > 0 then note(head_score(due)) end
if due_topic > passed then
  for _, member in ipairs(redis.call('ZRANGE', delayed, 0, passed)) do
    if not skips_due[member] then note(tonumber(redis.call('ZSCORE', delayed, member))) break end
  end
end
local age = not is_known and -1 or oldest and math.max(0, now - oldest) or 0
local first_dead = redis.call('XRANGE', dead, '-', '+', 'COUNT', 1)[1]
local dead_age = first_dead and math.max(0, now - time_of(first_dead[1])) or 0
local retrying = redis.call('ZCARD', due) - due_own
local mark = redis.call('HGET', paused, group) or ''
return {ready, math.max(0, running), early, retrying, redis.call('XLEN', dead), age, dead_age, mark}
`)
