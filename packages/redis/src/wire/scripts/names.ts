import { script } from '../../connection/script.js'
import { leaseOf, nowUp } from './lua.js'

/** Adds a topic to the list of all topics. KEYS: topics. ARGV: its name. */
export const addTopicScript = script("return redis.call('ZADD', KEYS[1], 0, ARGV[1])", { whenFull: true })

/**
 * Returns the groups that were declared, the ephemeral subscriptions and the consumers that are there now, and the groups that are paused,
 * each followed by its mark. KEYS: groups, listeners, consumers, paused. ARGV: the beginning of the channels of processes.
 */
export const groupsScript = script(`
${nowUp}
${leaseOf}
local groups, listeners, consumers, paused = unpack(KEYS)
local now = now_up()
local present = {}
for _, consumer in ipairs(redis.call('ZRANGE', consumers, now, '+inf', 'BYSCORE')) do
  -- The claims of a process that is gone hold for less than those of others.
  if lease_of(consumer, ARGV[1], math.huge) == math.huge then present[#present + 1] = consumer end
end
return {
  redis.call('HKEYS', groups),
  redis.call('ZRANGE', listeners, now, '+inf', 'BYSCORE'),
  present,
  redis.call('HGETALL', paused),
}
`)
