import { script } from '../../connection/script.js'
import { leaveLane } from './lanes.js'
import { addWaiting, fieldsOf, nowUp, ownedBy, packFields } from './lua.js'

const finish = `
local function finish(stream, group, id, is_retry)
  redis.call('XACK', stream, group, id)
  -- An entry of a retry stream belongs to this group alone.
  if is_retry then redis.call('XDEL', stream, id) end
end`

/**
 * Acknowledges messages that the consumer still owns. KEYS: stream, retry stream, lanes, waiting, open. ARGV: group, consumer, then for
 * each of the two streams the number of messages, their lowest and highest id, and all their ids. At the end follow the lanes of all
 * messages, or nothing. Returns how many were acknowledged.
 */
export const ackScript = script(
  `
${ownedBy}
${leaveLane}
local group, consumer = ARGV[1], ARGV[2]
local at, total = 3, 0
local full_ids = {}
for _, kind in ipairs({'m', 'r'}) do
  local stream = kind == 'r' and KEYS[2] or KEYS[1]
  local count = tonumber(ARGV[at])
  at = at + 1
  if count > 0 then
    -- One call usually finds all of them.
    local mine = {}
    local found = redis.pcall('XPENDING', stream, group, ARGV[at], ARGV[at + 1], 2 * count, consumer)
    if not found.err then
      for _, pending in ipairs(found) do mine[pending[1]] = true end
    end
    at = at + 2
    local ids = {}
    for i = at, at + count - 1 do
      local id = ARGV[i]
      local is_mine = mine[id] or owned_by(stream, group, id, consumer)
      if is_mine then ids[#ids + 1] = id end
      full_ids[#full_ids + 1] = is_mine and kind .. id or false
    end
    at = at + count
    if #ids > 0 then
      total = total + redis.call('XACK', stream, group, unpack(ids))
      -- An entry of a retry stream belongs to this group alone.
      if kind == 'r' then redis.call('XDEL', stream, unpack(ids)) end
    end
  end
end
for i, full_id in ipairs(full_ids) do
  local lane = ARGV[at + i - 1]
  if not lane then break end
  if full_id then leave_lane(KEYS[3], KEYS[4], KEYS[5], lane, full_id) end
end
return total
`,
  { whenFull: true },
)

/**
 * Moves a message that the consumer still owns, and acknowledges it in the same step.
 *
 * KEYS: stream, retry stream, due, due data, dead, lanes, waiting, open. ARGV: group, consumer, kind, entry id, lane, the destination
 * (retry or dead), the delay, and the attempt and failure that the message carries from now on. Returns 1, or 0 if the consumer does not
 * own the message, or -1 if its entry is gone.
 */
export const moveScript = script(
  `
${nowUp}
${addWaiting}
${ownedBy}
${fieldsOf}
${packFields}
${leaveLane}
${finish}
local group, consumer, kind, id, lane, to, delay, attempt, failure = unpack(ARGV)
local stream = kind == 'r' and KEYS[2] or KEYS[1]
if not owned_by(stream, group, id, consumer) then return 0 end
local fields = fields_of(stream, id)
if fields then
  fields[#fields + 1] = 'mq:attempt'
  fields[#fields + 1] = attempt
  if failure ~= '' then
    fields[#fields + 1] = 'mq:failure'
    fields[#fields + 1] = failure
  end
  if to == 'dead' then
    redis.call('XADD', KEYS[5], '*', unpack(fields))
  else
    local refused = add_waiting(KEYS[3], KEYS[4], now_up() + tonumber(delay), pack_fields(fields))
    if refused then return refused end
  end
end
finish(stream, group, id, kind == 'r')
leave_lane(KEYS[6], KEYS[7], KEYS[8], lane, kind .. id)
return fields and 1 or -1
`,
  { whenFull: true },
)

/**
 * Gives messages of an ordered consumer back, each to the front of the lane of its key. KEYS: stream, retry stream, lanes, waiting, open.
 * ARGV: group, consumer, then kind, entry id and lane of each message.
 */
export const parkScript = script(
  `
${ownedBy}
local group, consumer = ARGV[1], ARGV[2]
local lanes, waiting, open = KEYS[3], KEYS[4], KEYS[5]
for i = 3, #ARGV, 3 do
  local kind, id, lane = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local stream = kind == 'r' and KEYS[2] or KEYS[1]
  if owned_by(stream, group, id, consumer) then
    redis.call('XCLAIM', stream, group, '~waiting', 0, id, 'JUSTID')
    local ms, seq = string.match(id, '(%d+)-(%d+)')
    local place = string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
    redis.call('ZADD', waiting, 0, lane .. ':' .. place .. kind)
    if redis.call('HGET', lanes, lane) == kind .. id then redis.call('HDEL', lanes, lane) end
    redis.call('SADD', open, lane)
  end
end
return 1
`,
  { whenFull: true },
)
