import { script } from '../../connection/script.js'
import { lanePieces } from './lanes.js'
import { fieldValue, isBefore, trim } from './lua.js'
import { bePresent } from './presence.js'

/** A consumer that has been idle for this long and owns nothing is forgotten. */
const forgetAfterMs = 3_600_000

/** How many times at which runs began one call looks at. */
const maxStarted = 20

/**
 * Says that the consumer is there, and tidies up after its group. It forgets consumers that left long ago, and the beginnings of runs that
 * have ended, and frees lanes whose message has no owner any more.
 *
 * KEYS: stream, retry stream, lanes, waiting, open, gate, consumers, started. ARGV: group, consumer, for how many ms it counts as present.
 */
export const tidyScript = script(
  `
${fieldValue}
${lanePieces}
${bePresent}
local group = ARGV[1]
be_present(KEYS[7], group, ARGV[2], tonumber(ARGV[3]))
for _, stream in ipairs({KEYS[1], KEYS[2], KEYS[6]}) do
  local infos = stream == KEYS[6] and redis.pcall('XINFO', 'CONSUMERS', stream, group) or redis.call('XINFO', 'CONSUMERS', stream, group)
  -- A gate may be closed.
  for _, info in ipairs(infos) do
    if value_of(info, 'pending') == 0 and value_of(info, 'idle') > ${forgetAfterMs} then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, value_of(info, 'name'))
    end
  end
end
-- Returns whether a message is pending. Another program may have written a value that is no id.
local function pending_of(full_id)
  local stream = string.sub(full_id, 1, 1) == 'r' and KEYS[2] or KEYS[1]
  local id = string.sub(full_id, 2)
  local found = redis.pcall('XPENDING', stream, group, id, id, 1)
  return not found.err and found[1]
end
for _, full_id in ipairs(redis.call('ZRANGE', KEYS[8], 0, ${maxStarted - 1})) do
  if not pending_of(full_id) then redis.call('ZREM', KEYS[8], full_id) end
end
local running = redis.call('HGETALL', KEYS[3])
for i = 1, #running, 2 do
  local lane, full_id = running[i], running[i + 1]
  local pending = pending_of(full_id)
  if not pending or pending[2] == '~waiting' then
    redis.call('HDEL', KEYS[3], lane)
    if first_of(KEYS[4], lane) then redis.call('SADD', KEYS[5], lane) end
  end
end
return 1
`,
  { whenFull: true },
)

/** Trims the stream of a topic. KEYS: stream, groups. ARGV: how many messages are retained. Returns how many were removed. */
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

/**
 * Trims the stream of a topic, unless a process did so a moment ago. KEYS: stream, groups, and one that exists as long as nobody has the
 * turn. ARGV: how many messages are retained, how many ms a turn lasts. Returns whether it was our turn.
 */
export const trimTurnScript = script(
  `
${isBefore}
${fieldValue}
${trim}
if redis.call('PTTL', KEYS[3]) > 0 then return 0 end
if type(redis.pcall('INCR', KEYS[3])) == 'table' then redis.call('DEL', KEYS[3]) end
redis.call('PEXPIRE', KEYS[3], ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 1 then trim(KEYS[1], KEYS[2], tonumber(ARGV[1])) end
return 1
`,
  { whenFull: true },
)
