import { script } from '../../connection/script.js'
import { fieldsOf, nextMember, nowDown, packFields } from './lua.js'

/**
 * Sends dead letters to their group again, in their original form. KEYS: dead, due, due data, seq. ARGV: their entry ids. Returns how
 * many of them existed.
 */
export const replayScript = script(
  `
${nowDown}
${nextMember}
${fieldsOf}
${packFields}
local count = 0
for _, id in ipairs(ARGV) do
  local fields = fields_of(KEYS[1], id)
  if fields then
    local member = next_member(KEYS[4])
    redis.call('HSET', KEYS[3], member, pack_fields(fields))
    redis.call('ZADD', KEYS[2], now_down(), member)
    redis.call('XDEL', KEYS[1], id)
    count = count + 1
  end
end
return count
`,
  { whenFull: true },
)

/** Removes dead letters: those of ARGV, or all if there are none. KEYS: dead. Returns how many there were. */
export const purgeScript = script(
  `
if #ARGV > 0 then return redis.call('XDEL', KEYS[1], unpack(ARGV)) end
local count = redis.call('XLEN', KEYS[1])
redis.call('UNLINK', KEYS[1])
return count
`,
  { whenFull: true },
)
