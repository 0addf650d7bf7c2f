import { script } from '../../connection/script.js'
import { lanePieces } from './lanes.js'
import { fieldValue, isBefore, trim } from './lua.js'

/** A consumer that has been idle for this long and owns nothing is forgotten. */
const forgetAfterMs = 3_600_000

/**
 * Tidies up after a group: trims the stream, forgets consumers that left long ago, and frees lanes whose message has no owner any more.
 * KEYS: stream, retry stream, groups, lanes, waiting, open. ARGV: group, how many messages are retained.
 */
export const tidyScript = script(
  `
${isBefore}
${fieldValue}
${trim}
${lanePieces}
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
  local lane, full_id = running[i], running[i + 1]
  local stream = string.sub(full_id, 1, 1) == 'r' and KEYS[2] or KEYS[1]
  local id = string.sub(full_id, 2)
  -- Another program may have written a value that is no id: no message has that lane.
  local found = redis.pcall('XPENDING', stream, group, id, id, 1)
  local pending = not found.err and found[1]
  if not pending or pending[2] == '~waiting' then
    redis.call('HDEL', KEYS[4], lane)
    if first_of(KEYS[5], lane) then redis.call('SADD', KEYS[6], lane) end
  end
end
return trim(KEYS[1], KEYS[3], tonumber(ARGV[2]))
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
