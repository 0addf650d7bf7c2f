import { script } from '../../connection/script.js'
import { fieldValue, headScore, isBefore, moveDue, nowDown, ownedBy, trim } from './lua.js'

/** What one call moves at most, so that the broker is never busy with one script for long. */
const movedAtOnce = 200

const moveAll = `
local now = now_down()
local moved = move_due(KEYS[5], KEYS[6], KEYS[1], now, ${movedAtOnce})
local free = tonumber(ARGV[3])
move_due(KEYS[3], KEYS[4], KEYS[2], now, free)
local function wait_ms()
  local next = -1
  for _, score in ipairs({head_score(KEYS[3]), head_score(KEYS[5])}) do
    if score >= 0 and (next < 0 or score < next) then next = score end
  end
  if next < 0 then return -1 end
  return math.max(0, next - now)
end`

/**
 * Moves what is due: of the topic into its stream; of the group into its retry stream, and from there to this consumer at once,
 * so that it never has more than it has room for. KEYS: stream, retry stream, due, due data, delayed, delayed data. ARGV: group,
 * consumer, how many it has room for. Returns how long until the next is due (-1 for never), then kind, entry id, deliveries and
 * fields of each message.
 */
export const takeScript = script(
  `
${nowDown}
${moveDue}
${headScore}
${moveAll}
local out = {wait_ms()}
if free > 0 then
  local read = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', free, 'STREAMS', KEYS[2], '>')
  if read then
    for _, entry in ipairs(read[1][2]) do
      out[#out + 1] = {'r', entry[1], 1, entry[2]}
    end
  end
end
return out
`,
  { whenFull: true },
)

/** Which key's lane an entry belongs to; none for one without a key. */
const lanes = `
local function lane_of(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'partitionkey' and fields[i + 1] ~= '' then return redis.sha1hex(fields[i + 1]) end
  end
  return ''
end
local function place_of(id)
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  return string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
end
local function id_of(place)
  local ms, seq = string.match(place, '^0*(%d+)%-0*(%d+)')
  return ms .. '-' .. seq
end
local function first_of(waiting, lane)
  return redis.call('ZRANGE', waiting, '[' .. lane .. ':', '(' .. lane .. ';', 'BYLEX', 'LIMIT', 0, 1)[1]
end
local function enter_lane(keys, lane, ref)
  local running = redis.call('HGET', keys.lanes, lane)
  if running == ref then return true end
  if running or first_of(keys.waiting, lane) then return false end
  redis.call('HSET', keys.lanes, lane, ref)
  return true
end`

/** How many messages may wait for others of their key before a group stops reading on. */
const maxWaiting = 10_000

/**
 * As \`takeScript\`, for an ordered consumer, and it reads the topic's stream too: a message whose key has one that runs or waits
 * is set aside in the same step, so that no two consumers ever have two of one key. KEYS: as there, then lanes, waiting, open.
 * Returns also where the stream ends, to wait for more from there.
 */
export const takeOrderedScript = script(
  `
${nowDown}
${moveDue}
${headScore}
${ownedBy}
${lanes}
${moveAll}
local keys = {lanes = KEYS[7], waiting = KEYS[8], open = KEYS[9]}
local group, consumer = ARGV[1], ARGV[2]
local out = {wait_ms(), '0-0'}

local function stream_of(kind) return kind == 'r' and KEYS[2] or KEYS[1] end

-- Lanes with messages that wait and none that runs.
local tries = redis.call('SRANDMEMBER', keys.open, free)
for _, lane in ipairs(tries) do
  local member = not redis.call('HGET', keys.lanes, lane) and first_of(keys.waiting, lane)
  while member do
    redis.call('ZREM', keys.waiting, member)
    local kind = string.sub(member, -1)
    local id = id_of(string.sub(member, #lane + 2, -2))
    -- Another consumer of the group, not an ordered one, may have taken and finished it.
    local pending = owned_by(stream_of(kind), group, id, '~waiting')
    local entry = pending and redis.call('XRANGE', stream_of(kind), id, id)[1]
    if entry then
      redis.call('XCLAIM', stream_of(kind), group, consumer, 0, id, 'JUSTID')
      redis.call('HSET', keys.lanes, lane, kind .. id)
      out[#out + 1] = {kind, id, pending[4], entry[2]}
      free = free - 1
      break
    end
    if pending then
      redis.call('XACK', stream_of(kind), group, id)
      out[#out + 1] = {kind, id, 0, {}}
    end
    member = first_of(keys.waiting, lane)
  end
  redis.call('SREM', keys.open, lane)
end

local function read(kind)
  local room = ${maxWaiting} - redis.call('ZCARD', keys.waiting)
  for _ = 1, 10 do
    if free <= 0 or room <= 0 then return end
    local found = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', free, 'STREAMS', stream_of(kind), '>')
    if not found then return end
    for _, entry in ipairs(found[1][2]) do
      local lane = lane_of(entry[2])
      if lane == '' or enter_lane(keys, lane, kind .. entry[1]) then
        out[#out + 1] = {kind, entry[1], 1, entry[2]}
        free = free - 1
      else
        redis.call('XCLAIM', stream_of(kind), group, '~waiting', 0, entry[1], 'JUSTID')
        redis.call('ZADD', keys.waiting, 0, lane .. ':' .. place_of(entry[1]) .. kind)
        room = room - 1
      end
    end
  end
end
read('r')
read('m')
if redis.call('EXISTS', KEYS[1]) == 1 then
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  if last then out[2] = last[1] end
end
return out
`,
  { whenFull: true },
)

/**
 * What this consumer owns and does not know of, because the answer that brought it was lost. KEYS: stream, retry stream. ARGV:
 * group, consumer, how many it has room for, then kind and entry id joined, of each that it knows. Returns as \`takeScript\`
 * (without a time), with 0 deliveries where the entry is gone.
 */
export const recoverScript = script(
  `
local group, consumer, room = ARGV[1], ARGV[2], tonumber(ARGV[3])
local known = {}
for i = 4, #ARGV do known[ARGV[i]] = true end
local out = {}
for i, kind in ipairs({'m', 'r'}) do
  local stream = KEYS[i]
  for _, pending in ipairs(redis.call('XPENDING', stream, group, '-', '+', room + #ARGV, consumer)) do
    if room > 0 and not known[kind .. pending[1]] then
      local entry = redis.call('XRANGE', stream, pending[1], pending[1])[1]
      if entry then
        out[#out + 1] = {kind, pending[1], pending[4], entry[2]}
        room = room - 1
      else
        redis.call('XACK', stream, group, pending[1])
        out[#out + 1] = {kind, pending[1], 0, {}}
      end
    end
  end
end
return out
`,
  { whenFull: true },
)

/**
 * Claims what consumers left that no longer renew. KEYS: stream, retry stream, lanes, waiting. ARGV: group, consumer, how many it
 * has room for, after how long without a renewal, whether it is an ordered consumer, where to go on in each stream. Returns where
 * to go on in each, then as \`recoverScript\`; the deliveries count this one.
 */
export const claimScript = script(
  `
${lanes}
local group, consumer, room, idle, ordered = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
local keys = {lanes = KEYS[3], waiting = KEYS[4]}
local out = {}
for i, kind in ipairs({'m', 'r'}) do
  local stream = KEYS[i]
  local from = ARGV[5 + i]
  for _ = 1, 10 do
    local page = redis.call('XPENDING', stream, group, 'IDLE', idle, from, '+', 100)
    for _, pending in ipairs(page) do
      if room == 0 then break end
      from = '(' .. pending[1]
      if not (ordered and pending[2] == '~waiting') then
        local entry = redis.call('XRANGE', stream, pending[1], pending[1])[1]
        if not entry then
          redis.call('XACK', stream, group, pending[1])
          out[#out + 1] = {kind, pending[1], 0, {}}
        else
          redis.call('XCLAIM', stream, group, consumer, 0, pending[1])
          local lane = ordered and lane_of(entry[2]) or ''
          if lane == '' or enter_lane(keys, lane, kind .. pending[1]) then
            out[#out + 1] = {kind, pending[1], pending[4] + 1, entry[2]}
            room = room - 1
          else
            redis.call('XCLAIM', stream, group, '~waiting', 0, pending[1], 'JUSTID')
            redis.call('ZADD', keys.waiting, 0, lane .. ':' .. place_of(pending[1]) .. kind)
          end
        end
      end
    end
    if room == 0 then break end
    if #page < 100 then
      from = '-'
      break
    end
  end
  table.insert(out, i, from)
end
return out
`,
  { whenFull: true },
)

/**
 * Renews the claims that are still this consumer's. KEYS: stream, retry stream. ARGV: group, consumer, then kind and entry id of
 * each. Returns 1 per claim that was renewed, 0 for others.
 */
export const renewScript = script(
  `
${ownedBy}
local out = {}
for i = 3, #ARGV, 2 do
  local stream = ARGV[i] == 'r' and KEYS[2] or KEYS[1]
  if owned_by(stream, ARGV[1], ARGV[i + 1], ARGV[2]) then
    redis.call('XCLAIM', stream, ARGV[1], ARGV[2], 0, ARGV[i + 1], 'JUSTID')
    out[#out + 1] = 1
  else
    out[#out + 1] = 0
  end
end
return out
`,
  { whenFull: true },
)

/** A consumer that has been gone for this long, with nothing in hand, is forgotten. */
const forgetAfterMs = 3_600_000

/**
 * What is done now and then for a group: trims, forgets consumers that are gone for long, frees the lanes of keys whose message
 * is nobody's any more. KEYS: stream, retry stream, groups, lanes, waiting, open. ARGV: group, how many messages are retained.
 */
export const tidyScript = script(
  `
${isBefore}
${fieldValue}
${trim}
${ownedBy}
${lanes}
local group = ARGV[1]
for _, stream in ipairs({KEYS[1], KEYS[2]}) do
  for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    if value_of(info, 'pending') == 0 and value_of(info, 'idle') > ${forgetAfterMs} then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, value_of(info, 'name'))
    end
  end
end
local running = redis.call('HGETALL', KEYS[4])
for i = 1, #running, 2 do
  local lane, ref = running[i], running[i + 1]
  local stream = string.sub(ref, 1, 1) == 'r' and KEYS[2] or KEYS[1]
  local id = string.sub(ref, 2)
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  if not pending or pending[2] == '~waiting' then
    redis.call('HDEL', KEYS[4], lane)
    if first_of(KEYS[5], lane) then redis.call('SADD', KEYS[6], lane) end
  end
end
return trim(KEYS[1], KEYS[3], tonumber(ARGV[2]))
`,
  { whenFull: true },
)

/** As far as trimming goes, the same for a topic as a whole. KEYS: stream, groups. ARGV: how many messages are retained. */
export const trimScript = script(
  `
${isBefore}
${fieldValue}
${trim}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return trim(KEYS[1], KEYS[2], tonumber(ARGV[1]))
`,
  { whenFull: true },
)
