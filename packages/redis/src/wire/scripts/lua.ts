import { goneMs } from '../../connection/presence.js'
import { unreadableField } from '../fields.js'

// The pieces of Lua that several scripts share. Each defines one local function.

/**
 * A script ends after an entry with which it has moved or read this much, so that large entries do not hold up the broker for all others.
 */
export const maxScriptBytes = 4 * 1024 * 1024

/** The broker's time in ms, rounded up, so that a due time derived from it is never early. */
export const nowUp = `
local function now_up()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.ceil(t[2] / 1000)
end`

/** The broker's time in ms, rounded down, to compare due times with. */
export const nowDown = `
local function now_down()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end`

/**
 * Adds a message to a sorted set and its hash. Returns the error if the broker refuses it. The name of the member is the broker's time and
 * a count within the script, so that members with the same score keep their order. A name that is taken, by another program or because
 * the clock was set back, is passed over. No stored counter is read: another program might have changed it.
 */
export const addWaiting = `
local waiting_time, waiting_count = nil, 0
local function add_waiting(set, data, score, packed)
  if not waiting_time then
    local t = redis.call('TIME')
    waiting_time = string.format('%010d%06d', t[1], t[2])
  end
  local member, done
  repeat
    waiting_count = waiting_count + 1
    member = waiting_time .. string.format('-%06d', waiting_count)
    local taken = redis.pcall('ZSCORE', set, member)
    if type(taken) == 'table' then return taken end
    done = taken and 0 or redis.pcall('HSETNX', data, member, packed)
  until done ~= 0
  if type(done) ~= 'table' then
    done = redis.pcall('ZADD', set, score, member)
    if type(done) == 'table' then redis.pcall('HDEL', data, member) end
  end
  return type(done) == 'table' and done or nil
end`

/** Says whether a call of `pcall(cmsgpack.unpack, packed)` has brought the fields of a message. */
export const areFields = `
local function are_fields(is_unpacked, ...)
  local count = select('#', ...)
  if not is_unpacked or count == 0 or count % 2 == 1 then return false end
  for i = 1, count do
    local kind = type((select(i, ...)))
    if kind ~= 'string' and kind ~= 'number' then return false end
  end
  return true
end`

/**
 * Moves due messages from a sorted set and its hash to a stream: at most `limit`, and no more after `maxScriptBytes`. Calls `on_moved`, if
 * there is one, with the name of each and with the id of its entry. Returns how many of them had no fields and are lost. A message that cannot be unpacked becomes an entry that its readers cannot decode, so that each group
 * has it as a dead letter.
 */
export const moveDue = `
${areFields}
local added
local function add_unpacked(stream, packed)
  added = redis.call('XADD', stream, '*', cmsgpack.unpack(packed))
end
local function add_packed(stream, packed)
  if pcall(add_unpacked, stream, packed) then return end
  -- A fault of the stream is not one of this message.
  if are_fields(pcall(cmsgpack.unpack, packed)) then return add_unpacked(stream, packed) end
  added = redis.call('XADD', stream, '*', '${unreadableField}', packed)
end
local function move_due(due, data, stream, now, limit, on_moved)
  local members = redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)
  local lost, bytes = 0, 0
  for _, member in ipairs(members) do
    if bytes >= ${maxScriptBytes} then break end
    local packed = redis.call('HGET', data, member)
    if packed then add_packed(stream, packed) else lost = lost + 1 end
    bytes = bytes + (packed and #packed or 0)
    redis.call('ZREM', due, member)
    redis.call('HDEL', data, member)
    if on_moved then on_moved(member, packed and added) end
  end
  return lost
end`

/** Returns when the first entry of a sorted set is due, or -1. */
export const headScore = `
local function head_score(due)
  local head = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  return head[2] and tonumber(head[2]) or -1
end`

/** Returns the pending record of an entry if the consumer owns it: entry id, consumer, idle time, deliveries. */
export const ownedBy = `
local function owned_by(stream, group, id, consumer)
  local found = redis.pcall('XPENDING', stream, group, id, id, 1)
  if found.err or not found[1] or found[1][2] ~= consumer then return false end
  return found[1]
end`

/**
 * Says how long a claim of a consumer holds. `presence` is the beginning of the channels to which processes are subscribed for as long as
 * they are there. The name of a consumer may end with the rest of its channel.
 */
export const leaseOf = `
local is_there = {}
local function lease_of(name, presence, visibility)
  local id = string.match(name, '~(%x+)$')
  if not id then return visibility end
  if is_there[id] == nil then
    local found = redis.pcall('PUBSUB', 'NUMSUB', presence .. id)
    is_there[id] = found.err ~= nil or found[2] ~= 0
  end
  return is_there[id] and visibility or math.min(visibility, ${goneMs})
end`

/** Lua 5.1 passes fewer than 8,000 values in one call. Further fields of an entry cannot be written again. */
const maxValues = 7_000
const attributes = ['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'partitionkey', 'data']

/**
 * Returns the original fields of an entry, or false if it is gone. Leaves out fields that begin with `mq:`, except `mq:entry`: the id that
 * the entry had in the topic's stream, which stands in for the id of a message that came without one. Of an entry with more than 3,500
 * fields, which another program wrote, only the first ones and the attributes of every message are left.
 */
export const fieldsOf = `
local attributes = {${attributes.map((name) => `${name} = true`).join(', ')}}
local function fields_of(stream, id)
  local found = redis.call('XRANGE', stream, id, id)
  if not found[1] then return false end
  local fields = {}
  local origin = id
  local all = found[1][2]
  for i = 1, #all, 2 do
    if all[i] == 'mq:entry' then
      origin = all[i + 1]
    elseif string.sub(all[i], 1, 3) ~= 'mq:' and #fields < ${maxValues} + (attributes[all[i]] and 100 or 0) then
      fields[#fields + 1] = all[i]
      fields[#fields + 1] = all[i + 1]
    end
  end
  fields[#fields + 1] = 'mq:entry'
  fields[#fields + 1] = origin
  return fields, all
end`

/** Packs the fields that `fields_of` returns. It does so in parts, because `cmsgpack.pack` takes fewer values than `cmsgpack.unpack`. */
export const packFields = `
local function pack_fields(fields)
  local parts = {}
  for i = 1, #fields, 1000 do
    parts[#parts + 1] = cmsgpack.pack(unpack(fields, i, math.min(i + 999, #fields)))
  end
  return table.concat(parts)
end`

/** Compares two ids of entries. Their numbers may be too large for a Lua number. */
export const isBefore = `
local function number_before(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function is_before(a, b)
  local a1, a2 = string.match(a, '(%d+)-(%d+)')
  local b1, b2 = string.match(b, '(%d+)-(%d+)')
  if a1 ~= b1 then return number_before(a1, b1) end
  return number_before(a2, b2)
end`

/** Finds a value in a reply that lists names and values in turn. */
export const fieldValue = `
local function value_of(list, name)
  for i = 1, #list, 2 do
    if list[i] == name then return list[i + 1] end
  end
end`

/** How many entries one call removes, so that it never keeps the broker busy for long. */
const maxTrimmed = 100_000

/**
 * Removes what every group has finished, but keeps `retain` entries. Removes nothing if a declared group has vanished: it will be created
 * again, and has to find what it had not read. Removes nothing if `retain` is negative.
 */
export const trim = `
local function trim(stream, groups, retain)
  local length = redis.call('XLEN', stream)
  if retain < 0 or length <= retain then return 0 end
  local there = {}
  local mark
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local name = value_of(info, 'name')
    there[name] = true
    local first = value_of(info, 'last-delivered-id')
    if value_of(info, 'pending') > 0 then
      local oldest = redis.call('XPENDING', stream, name)[2]
      -- After XGROUP SETID, a pending entry can lie beyond the last one delivered.
      if oldest and is_before(oldest, first) then first = oldest end
    end
    if not mark or is_before(first, mark) then mark = first end
  end
  for _, name in ipairs(redis.call('HKEYS', groups)) do
    if not there[name] then return 0 end
  end
  if not mark then return redis.call('XTRIM', stream, 'MAXLEN', '~', retain) end
  return redis.call('XTRIM', stream, 'MINID', '~', mark, 'LIMIT', math.min(length - retain, ${maxTrimmed}))
end`
