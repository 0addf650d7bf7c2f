import { goneMs } from '../../connection/presence.js'
import { script } from '../../connection/script.js'
import { laneName, lanePieces } from './lanes.js'
import { leaseOf, ownedBy } from './lua.js'
import { bePresent } from './presence.js'

/**
 * Finds the messages that this consumer owns without knowing it, because the answer that brought them was lost.
 *
 * KEYS: stream, retry stream. ARGV: group, consumer, how many it has room for, then kind and entry id, joined, of each message that it
 * knows. Returns kind, entry id, deliveries, fields and lane of each message, with 0 deliveries if its entry is gone.
 */
export const recoverScript = script(
  `
${laneName}
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
        out[#out + 1] = {kind, pending[1], pending[4], entry[2], lane_of(entry[2])}
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
 * Claims messages of consumers that no longer renew their claims.
 *
 * KEYS: stream, retry stream, lanes, waiting, started. ARGV: group, consumer, how many it has room for, for how many ms a claim of a process
 * that is there holds. Then whether the consumer is ordered, the beginning of the channels of processes, and where to continue in each
 * stream. Returns where to continue in each stream, then the same as
 * `recoverScript`; the deliveries count this one.
 */
export const claimScript = script(
  `
${lanePieces}
${leaseOf}
local group, consumer, room, visibility, ordered = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
local presence = ARGV[6]
local idle = math.min(visibility, ${goneMs})
local keys = {lanes = KEYS[3], waiting = KEYS[4]}
local out = {}
for i, kind in ipairs({'m', 'r'}) do
  local stream = KEYS[i]
  local from = ARGV[6 + i]
  for _ = 1, 10 do
    local page = redis.call('XPENDING', stream, group, 'IDLE', idle, from, '+', 100)
    for _, pending in ipairs(page) do
      if room == 0 then break end
      from = '(' .. pending[1]
      if not (ordered and pending[2] == '~waiting') and pending[3] >= lease_of(pending[2], presence, visibility) then
        local entry = redis.call('XRANGE', stream, pending[1], pending[1])[1]
        if not entry then
          redis.call('XACK', stream, group, pending[1])
          out[#out + 1] = {kind, pending[1], 0, {}}
        else
          redis.call('XCLAIM', stream, group, consumer, 0, pending[1])
          redis.call('ZREM', KEYS[5], kind .. pending[1])
          local lane = ordered and lane_of(entry[2]) or ''
          if lane == '' or enter_lane(keys, lane, kind .. pending[1]) then
            out[#out + 1] = {kind, pending[1], pending[4] + 1, entry[2], lane}
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
 * Renews the claims that this consumer still has, and says that it is there. Returns 1 for each claim that was renewed and 0 for the others.
 *
 * KEYS: stream, retry stream, consumers, started. ARGV: group, consumer, for how many ms it counts as present, and three for each message:
 * kind, entry id, and how many ms ago its run began. The last one is -1 if the broker knows it.
 */
export const renewScript = script(
  `
${ownedBy}
${bePresent}
be_present(KEYS[3], ARGV[1], ARGV[2], tonumber(ARGV[3]))
local now = now_up()
local out = {}
for i = 4, #ARGV, 3 do
  local stream = ARGV[i] == 'r' and KEYS[2] or KEYS[1]
  if owned_by(stream, ARGV[1], ARGV[i + 1], ARGV[2]) then
    redis.call('XCLAIM', stream, ARGV[1], ARGV[2], 0, ARGV[i + 1], 'JUSTID')
    local age = tonumber(ARGV[i + 2])
    if age >= 0 then redis.call('ZADD', KEYS[4], now - age, ARGV[i] .. ARGV[i + 1]) end
    out[#out + 1] = 1
  else
    out[#out + 1] = 0
  end
end
return out
`,
  { whenFull: true },
)
