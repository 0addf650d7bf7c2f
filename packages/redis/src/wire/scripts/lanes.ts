/**
 * Names the lane of an entry, which is '' for an entry without a key. Nothing else names lanes: the consumer repeats the name that it got
 * with the entry. Another program's key may be no UTF-8, or be there twice.
 */
export const laneName = `
local function lane_of(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'partitionkey' and fields[i + 1] ~= '' then return redis.sha1hex(fields[i + 1]) end
  end
  return ''
end`

/**
 * The pieces of Lua that keep the lanes of an ordered group. `lane_of` names the lane of an entry. `place_of` turns an id into a text that sorts like it, and `id_of` turns it back. `enter_lane` says whether a message may run now.
 */
// See docs/decisions/0041-redis-key-lanes.md.
export const lanePieces = `
${laneName}
local function place_of(id)
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  return string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
end
local function id_of(place)
  local ms, seq = string.match(place, '^0*(%d+)%-0*(%d+)')
  return ms .. '-' .. seq
end
local function first_of(waiting, lane)
  return redis.call('ZRANGE', waiting, '[' .. lane .. ':', '(' .. lane .. ';', 'BYLEX', 'LIMIT', 0, 1)[1]
end
local function enter_lane(keys, lane, full_id)
  local running = redis.call('HGET', keys.lanes, lane)
  if running == full_id then return true end
  if running or first_of(keys.waiting, lane) then return false end
  redis.call('HSET', keys.lanes, lane, full_id)
  return true
end`

/** Lets the next message of a key go once the one that ran for it has ended. */
export const leaveLane = `
local function leave_lane(lanes, waiting, open, lane, full_id)
  if lane == '' or redis.call('HGET', lanes, lane) ~= full_id then return end
  redis.call('HDEL', lanes, lane)
  if redis.call('ZRANGE', waiting, '[' .. lane .. ':', '(' .. lane .. ';', 'BYLEX', 'LIMIT', 0, 1)[1] then
    redis.call('SADD', open, lane)
  end
end`
