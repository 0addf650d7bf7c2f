import { nowUp } from './lua.js'

/** Says that a consumer is there for some time, and forgets those that no longer are. */
export const bePresent = `
${nowUp}
local function be_present(consumers, group, consumer, lasting)
  local now = now_up()
  redis.call('ZADD', consumers, now + lasting, group .. ' ' .. consumer)
  local gone = redis.call('ZRANGE', consumers, '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)
  if #gone > 0 then redis.call('ZREM', consumers, unpack(gone)) end
  redis.call('PEXPIRE', consumers, 2 * lasting)
end`
