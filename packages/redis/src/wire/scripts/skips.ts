// The pieces of Lua that keep which messages a group does not take, though the topic still has them. The sorted set `skipped` of a topic has
// three kinds of members. `s:<group>:<entry id>` is an entry of the stream that the group has not read yet. A delayed message has two:
// `d:<group>:<member>` and `m:<member>:<group>`.

/** Closes the gate of a group: readers by plain commands are refused from now on. */
export const closeGate = `
local function close_gate(gate, group)
  redis.pcall('XGROUP', 'DESTROY', gate, group)
end`

/** Says how many entries of the stream a group is to skip, and whether one of them is such an entry. */
export const entrySkips = `
local function skips_left(skipped, group)
  return redis.call('ZLEXCOUNT', skipped, '[s:' .. group .. ':', '(s:' .. group .. ';')
end
local function is_skipped(skipped, group, id)
  return redis.call('ZSCORE', skipped, 's:' .. group .. ':' .. id) and true or false
end`

/** Passes over an entry that was read, and says whether the group was to skip it. Forgets all that it was to skip after it has read everything. */
export const passSkips = `
local function pass_skip(skipped, stream, group, id)
  if redis.call('ZREM', skipped, 's:' .. group .. ':' .. id) == 0 then return false end
  redis.call('XACK', stream, group, id)
  return true
end
local function forget_skips(skipped, group)
  repeat
    local some = redis.call('ZRANGE', skipped, '[s:' .. group .. ':', '(s:' .. group .. ';', 'BYLEX', 'LIMIT', 0, 1000)
    if #some > 0 then redis.call('ZREM', skipped, unpack(some)) end
  until #some < 1000
end`

/** Turns delayed messages that groups skip into entries that they skip, when the messages are moved to the stream. */
export const moveSkips = `
${closeGate}
local has_skips
local function move_skips(skipped, gate, member, id)
  if has_skips == nil then has_skips = redis.call('EXISTS', skipped) == 1 end
  if not has_skips then return end
  local prefix = 'm:' .. member .. ':'
  for _, name in ipairs(redis.call('ZRANGE', skipped, '[' .. prefix, '(m:' .. member .. ';', 'BYLEX')) do
    local group = string.sub(name, #prefix + 1)
    redis.call('ZREM', skipped, name, 'd:' .. group .. ':' .. member)
    if id then
      redis.call('ZADD', skipped, 0, 's:' .. group .. ':' .. id)
      close_gate(gate, group)
    end
  end
end`

/** Lists delayed messages that a group skips. */
export const delayedSkips = `
local function delayed_skips(skipped, group)
  local found = redis.call('ZRANGE', skipped, '[d:' .. group .. ':', '(d:' .. group .. ';', 'BYLEX')
  for i, name in ipairs(found) do found[i] = string.sub(name, #group + 4) end
  return found
end`
