import { script } from '../../connection/script.js'
import { addWaiting, fieldsOf, nowDown, packFields } from './lua.js'

/**
 * Sends dead letters to their group again, in their original form. KEYS: dead, due, due data. ARGV: their entry ids. Returns how
 * many of them existed.
 */
export const replayScript = script(
  `
${nowDown}
${addWaiting}
${fieldsOf}
${packFields}
local count = 0
for _, id in ipairs(ARGV) do
  local fields = fields_of(KEYS[1], id)
  if fields then
    local refused = add_waiting(KEYS[2], KEYS[3], now_down(), pack_fields(fields))
    if refused then return refused end
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
