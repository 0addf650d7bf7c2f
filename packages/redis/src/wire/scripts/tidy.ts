import { script } from '../../connection/script.js'
import { lanePieces } from './lanes.js'
import { fieldValue, isBefore, trim } from './lua.js'

/** A consumer that has been idle for this long and owns nothing is forgotten. */
const forgetAfterMs = 3_600_000

/**
 * Tidies up after a group: forgets consumers that left long ago, and frees lanes whose message has no owner any more.
 * KEYS: stream, retry stream, lanes, waiting, open. ARGV: group.
 */
export const tidyScript = script(
  `
${fieldValue}
${lanePieces}
local group = ARGV[1]
for _, stream in ipairs({KEYS[1], KEYS[2]}) do
  for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    if value_of(info, 'pending') == 0 and value_of(info, 'idle') > ${forgetAfterMs} then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, value_of(info, 'name'))
    end
  end
end
local running = redis.call('HGETALL', KEYS[3])
for i = 1, #running, 2 do
  local lane, full_id = running[i], running[i + 1]
  local stream = string.sub(full_id, 1, 1) == 'r' and KEYS[2] or KEYS[1]
  local id = string.sub(full_id, 2)
  -- Another program may have written a value that is no id: no message has that lane.
  local found = redis.pcall('XPENDING', stream, group, id, id, 1)
  local pending = not found.err and found[1]
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
