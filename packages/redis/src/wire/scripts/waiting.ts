import { script } from '../../connection/script.js'
import { unreadableField } from '../fields.js'
import { areFields, isBefore, maxScriptBytes, nowDown } from './lua.js'
import { delayedSkips, entrySkips } from './skips.js'
import { groupInfo } from './stats.js'

// Scripts that list a part of the messages that a group has not finished. Each ends after its count, or after `maxScriptBytes`. A row has
// the kind and the name of an entry, its deliveries, its score or when its run began, and its fields.

/** How many entries one call passes over that are not to be listed. */
const maxPassed = 1_000

const rows = `
local out, bytes = {}, 0
local function add(kind, id, deliveries, time, fields)
  for _, field in ipairs(fields) do bytes = bytes + #field end
  out[#out + 1] = {kind, id, deliveries, time, fields}
end
local function is_full(count) return #out >= count or bytes >= ${maxScriptBytes} end`

/**
 * Lists entries that the group has not read. KEYS: stream, skipped. ARGV: group, kind, the entry behind which to begin or '', count.
 * Returns where to go on, or '' at the end, and the rows.
 */
export const unreadScript = script(`
${rows}
${groupInfo}
${isBefore}
${entrySkips}
local stream, skipped = unpack(KEYS)
local group, kind, after, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local info = info_of(stream, group)
if not info then return {'', out} end
local read = value_of(info, 'last-delivered-id')
if after == '' or is_before(after, read) then after = read end
for _ = 1, count + ${maxPassed} do
  local entry = redis.call('XRANGE', stream, '(' .. after, '+', 'COUNT', 1)[1]
  if not entry then return {'', out} end
  after = entry[1]
  if not (kind == 'm' and is_skipped(skipped, group, after)) then add(kind, after, 1, '', entry[2]) end
  if is_full(count) then break end
end
return {after, out}
`)

/**
 * Lists messages of an ordered group that wait for others of their key. KEYS: stream. ARGV: group, kind, the entry behind which to begin or
 * '', count. Returns the same as `unreadScript`.
 */
export const asideScript = script(`
${rows}
local stream = KEYS[1]
local group, kind, after, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local found = redis.pcall('XPENDING', stream, group, after == '' and '-' or '(' .. after, '+', count, '~waiting')
if found.err then return {'', out} end
for _, pending in ipairs(found) do
  local entry = redis.call('XRANGE', stream, pending[1], pending[1])[1]
  after = pending[1]
  if entry then add(kind, after, pending[4], '', entry[2]) end
  if is_full(count) then return {after, out} end
end
return {#found < count and '' or after, out}
`)

/**
 * Lists messages of a sorted set that are due, or those that are not due yet. KEYS: stream, set, data, skipped. ARGV: group, kind, 1 for
 * those that are due, score and name of the message behind which to begin or '' for both, count.
 *
 * Returns score and name of the message behind which to go on, or '' for both at the end, and the rows.
 */
export const setScript = script(`
${rows}
${nowDown}
${groupInfo}
${areFields}
${delayedSkips}
local stream, set, data, skipped = unpack(KEYS)
local group, kind, is_due, score, after, count = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4], ARGV[5], tonumber(ARGV[6])
if not info_of(stream, group) then return {'', '', out} end
local now = now_down()
local from, to = '-inf', now
if not is_due then
  from = string.format('(%.0f', now)
  to = '+inf'
end
if score ~= '' and (is_due or tonumber(score) > now) then from = score end
local skips = {}
if kind == 't' then
  for _, member in ipairs(delayed_skips(skipped, group)) do skips[member] = true end
end
local function fields_of(member)
  local packed = redis.call('HGET', data, member)
  if not packed then return end
  if not are_fields(pcall(cmsgpack.unpack, packed)) then return {'${unreadableField}', packed} end
  local fields = {cmsgpack.unpack(packed)}
  for i, field in ipairs(fields) do fields[i] = tostring(field) end
  return fields
end
local offset, last_score, last = 0, score, after
repeat
  local page = redis.call('ZRANGE', set, from, to, 'BYSCORE', 'LIMIT', offset, count, 'WITHSCORES')
  for i = 1, #page, 2 do
    local member, at = page[i], page[i + 1]
    -- Members of one score are in the order of their names.
    if not (at == score and member <= after) then
      last, last_score = member, at
      local fields = not skips[member] and fields_of(member)
      if fields then add(kind, member, 1, at, fields) end
      if is_full(count) then return {last_score, last, out} end
    end
  end
  offset = offset + #page / 2
  if #page < 2 * count then return {'', '', out} end
until offset >= ${maxPassed} + count
return {last_score, last, out}
`)

/** How many messages in flight one call names. */
const maxRunning = 500

/**
 * Names messages that run, without their fields. KEYS: stream, started. ARGV: group, kind, the entry behind which to begin or ''. Returns
 * where to go on, or '' at the end, and id, deliveries and beginning of each.
 */
export const runningScript = script(`
${nowDown}
local stream, started = unpack(KEYS)
local group, kind, after = unpack(ARGV)
local out, now = {}, now_down()
local found = redis.pcall('XPENDING', stream, group, after == '' and '-' or '(' .. after, '+', ${maxRunning})
if found.err then return {'', out} end
for _, pending in ipairs(found) do
  after = pending[1]
  if pending[2] ~= '~waiting' then
    -- As long as a claim has not been renewed, its age is that of the run.
    local began = redis.call('ZSCORE', started, kind .. after) or now - pending[3]
    out[#out + 1] = {after, pending[4], tonumber(began)}
  end
end
return {#found < ${maxRunning} and '' or after, out}
`)

/** Returns the fields of entries, at most 4 MiB and one entry more. KEYS: stream. ARGV: ids. An entry that is gone has none. */
export const entriesScript = script(`
local out, bytes = {}, 0
for i, id in ipairs(ARGV) do
  if bytes >= ${maxScriptBytes} then break end
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  out[i] = entry and entry[2] or {}
  for _, field in ipairs(out[i]) do bytes = bytes + #field end
end
return out
`)
