import { script } from '../connection/script.js'
import { nowDown, nowUp } from '../wire/scripts/lua.js'

/** Replaces a value. KEYS: the value. ARGV: the expected value, the new value, its time to live. Returns 1 if it did so. */
export const compareAndSetScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`)

/** Removes a value. KEYS: the value. ARGV: the expected value. Returns 1 if it did so. */
export const deleteExpectedScript = script(
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
  { whenFull: true },
)

/** Records a lease. A lease never ends early, and the key lives as long as the last of its leases. */
const hold = `
local function hold(key, holder, ttl)
  redis.call('ZADD', key, now_up() + ttl, holder)
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  redis.call('PEXPIREAT', key, last[2])
end`

/**
 * Acquires a lease. KEYS: the holders of a name, by the end of their leases. ARGV: holder, limit, time to live. Returns -1, or in how many
 * ms to try again.
 */
export const acquireScript = script(`
${nowDown}
${nowUp}
${hold}
local key, holder, limit = KEYS[1], ARGV[1], tonumber(ARGV[2])
local now = now_down()
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
if not redis.call('ZSCORE', key, holder) then
  local held = redis.call('ZCARD', key)
  if held >= limit then
    local ends = redis.call('ZRANGE', key, held - limit, held - limit, 'WITHSCORES')
    return tonumber(ends[2]) - now
  end
end
hold(key, holder, tonumber(ARGV[3]))
return -1
`)

/** Renews a lease. KEYS: as for `acquireScript`. ARGV: holder, time to live. Returns 1 if the holder has a lease. */
export const renewLeaseScript = script(
  `
${nowDown}
${nowUp}
${hold}
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) <= now_down() then return 0 end
hold(KEYS[1], ARGV[1], tonumber(ARGV[2]))
return 1
`,
  { whenFull: true },
)

/**
 * Reserves a count in the first slot from which on no window has too many. It looks no earlier than the present slot, and no earlier than
 * the last slot that was given out.
 *
 * KEYS: what was taken, by slot. ARGV: count, limit, the width of a slot in ms, slots in a window, the longest wait in ms. Returns whether
 * it did so, and the wait.
 */
export const takeScript = script(`
local key = KEYS[1]
local count, limit, width = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local span, longest = tonumber(ARGV[4]), tonumber(ARGV[5])
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local fields = redis.call('HGETALL', key)
local slots = {}
for i = 1, #fields, 2 do slots[#slots + 1] = { tonumber(fields[i]), tonumber(fields[i + 1]) } end
table.sort(slots, function(a, b) return a[1] < b[1] end)
local at = math.floor(now / width)
if #slots > 0 then at = math.max(at, slots[#slots][1]) end
local first, used = 1, 0
for i, slot in ipairs(slots) do
  if slot[1] < at - span then first = i + 1 else used = used + slot[2] end
end
while used + count > limit do
  used = used - slots[first][2]
  at = slots[first][1] + span + 1
  first = first + 1
end
local wait = math.max(0, math.ceil(at * width - now))
if wait > longest then return { 0, wait } end
for _, slot in ipairs(slots) do
  if slot[1] < at - span then redis.call('HDEL', key, string.format('%.0f', slot[1])) end
end
redis.call('HINCRBY', key, string.format('%.0f', at), count)
redis.call('PEXPIRE', key, math.ceil((at + span + 1) * width - now))
return { 1, wait }
`)
