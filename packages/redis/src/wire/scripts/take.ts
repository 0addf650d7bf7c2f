import { script } from '../../connection/script.js'
import { lanePieces } from './lanes.js'
import { headScore, moveDue, nowDown, ownedBy } from './lua.js'
import { entrySkips, moveSkips, passSkips } from './skips.js'

/** How many messages one call moves at most, so that no script keeps the broker busy for long. */
const maxMoved = 200

const moveAll = `
local mark = redis.call('HGET', KEYS[7], ARGV[1])
if mark then return {-2, mark} end
local now = now_down()
local function on_moved(member, id) move_skips(KEYS[8], KEYS[9], member, id) end
local lost = move_due(KEYS[5], KEYS[6], KEYS[1], now, ${maxMoved}, on_moved)
local free = tonumber(ARGV[3])
lost = lost + move_due(KEYS[3], KEYS[4], KEYS[2], now, free)
local function wait_ms()
  local next = -1
  for _, score in ipairs({head_score(KEYS[3]), head_score(KEYS[5])}) do
    if score >= 0 and (next < 0 or score < next) then next = score end
  end
  if next < 0 then return -1 end
  return math.max(0, next - now)
end`

/**
 * Moves the messages that are due: those of the topic into its stream, and those of the group into its retry stream. Delivers the latter
 * to this consumer at once, and no more of them than it has room for.
 *
 * KEYS: stream, retry stream, due, due data, delayed, delayed data, paused, skipped, gate. ARGV: group, consumer, how many it has room for.
 * Returns how long until the next message is due (-1 if there is none), and how many that were due had no fields. Kind, entry id,
 * deliveries and fields of each message follow. Returns -2 and the mark if the group is paused.
 */
export const takeScript = script(
  `
${nowDown}
${moveDue}
${moveSkips}
${headScore}
${moveAll}
local out = {wait_ms(), lost}
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

/** How many messages may wait for others of their key before a group reads no further. */
const maxWaiting = 10_000

/**
 * Does the same as `takeScript` for an ordered consumer, and reads the topic's stream too. A message whose key has another one that runs
 * or waits is set aside in the same step, so that no two consumers ever have two messages of one key.
 *
 * KEYS: those of `takeScript`, then lanes, waiting, open. ARGV: as `takeScript`. Returns the same, with the lane after the fields, and with
 * in the third place whether both streams were read to their ends. If not, something may be left.
 */
export const takeOrderedScript = script(
  `
${nowDown}
${moveDue}
${moveSkips}
${entrySkips}
${passSkips}
${headScore}
${ownedBy}
${lanePieces}
${moveAll}
local keys = {lanes = KEYS[10], waiting = KEYS[11], open = KEYS[12]}
local group, consumer = ARGV[1], ARGV[2]
local out = {wait_ms(), lost, 1}

local function stream_of(kind) return kind == 'r' and KEYS[2] or KEYS[1] end

-- Takes messages of lanes in which some wait and none runs.
local tries = redis.call('SRANDMEMBER', keys.open, free)
for _, lane in ipairs(tries) do
  local member = not redis.call('HGET', keys.lanes, lane) and first_of(keys.waiting, lane)
  while member do
    redis.call('ZREM', keys.waiting, member)
    local kind = string.sub(member, -1)
    local id = id_of(string.sub(member, #lane + 2, -2))
    -- A consumer of the group that is not ordered may have taken and finished the message.
    local pending = owned_by(stream_of(kind), group, id, '~waiting')
    local entry = pending and redis.call('XRANGE', stream_of(kind), id, id)[1]
    if entry then
      redis.call('XCLAIM', stream_of(kind), group, consumer, 0, id, 'JUSTID')
      redis.call('HSET', keys.lanes, lane, kind .. id)
      out[#out + 1] = {kind, id, pending[4], entry[2], lane}
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
    if free <= 0 or room <= 0 then return false end
    local found = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', free, 'STREAMS', stream_of(kind), '>')
    if not found then
      if kind == 'm' and has_skips then forget_skips(KEYS[8], group) end
      return true
    end
    for _, entry in ipairs(found[1][2]) do
      local lane = lane_of(entry[2])
      if kind == 'm' and has_skips and pass_skip(KEYS[8], KEYS[1], group, entry[1]) then
        -- The group has removed it.
      elseif lane == '' or enter_lane(keys, lane, kind .. entry[1]) then
        out[#out + 1] = {kind, entry[1], 1, entry[2], lane}
        free = free - 1
      else
        redis.call('XCLAIM', stream_of(kind), group, '~waiting', 0, entry[1], 'JUSTID')
        redis.call('ZADD', keys.waiting, 0, lane .. ':' .. place_of(entry[1]) .. kind)
        room = room - 1
      end
    end
  end
  return false
end
local is_retry_read = read('r')
has_skips = redis.call('EXISTS', KEYS[8]) == 1
local is_stream_read = read('m')
if not (is_retry_read and is_stream_read) then out[3] = 0 end
return out
`,
  { whenFull: true },
)
