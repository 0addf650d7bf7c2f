import { script } from '../../connection/script.js'
import { closeGate, entrySkips, passSkips } from './skips.js'

/**
 * Pauses a group, unless it is paused already. KEYS: groups, paused, gate. ARGV: group, mark. Returns 0 if there is no such group.
 */
export const pauseScript = script(
  `
${closeGate}
local group, mark = unpack(ARGV)
if redis.call('HEXISTS', KEYS[1], group) == 0 then return 0 end
redis.call('HSETNX', KEYS[2], group, mark)
close_gate(KEYS[3], group)
return 1
`,
  { whenFull: true },
)

/** Ends a pause. KEYS: paused. ARGV: group. */
export const resumeScript = script("return redis.call('HDEL', KEYS[1], ARGV[1])", { whenFull: true })

const openGate = `
local function open_gate(gate, group)
  local made = redis.pcall('XGROUP', 'CREATE', gate, group, '0', 'MKSTREAM')
  if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
end`

/**
 * Finds out how a group may be read. KEYS: stream, gate, paused, skipped. ARGV: group, and 1 if it is to be read by plain commands.
 *
 * Returns 0 and the mark if the group is paused, 2 if only scripts may read it, because it has to skip something, and otherwise 1. Rejects
 * with NOGROUP if the group is gone.
 */
// See docs/decisions/0045-redis-gate.md.
export const enterScript = script(
  `
${entrySkips}
${openGate}
local stream, gate, paused, skipped = unpack(KEYS)
local group = ARGV[1]
local found = redis.pcall('XPENDING', stream, group)
if found.err then return found end
local mark = redis.call('HGET', paused, group)
if mark then return {0, mark} end
if ARGV[2] ~= '1' then return {1} end
if skips_left(skipped, group) > 0 then return {2} end
return open_gate(gate, group) or {1}
`,
  { whenFull: true },
)

/**
 * Reads new messages for a group that has to skip some of them. KEYS: those of `enterScript`. ARGV: group, consumer, how many.
 *
 * Returns 0 and the mark if the group is paused. Otherwise returns 1 if it may be read by plain commands again, or 2. Then follow whether
 * as many were read as were asked for, and kind, entry id, deliveries and fields of each message.
 */
export const readScript = script(
  `
${entrySkips}
${passSkips}
${openGate}
local stream, gate, paused, skipped = unpack(KEYS)
local group, consumer, room = ARGV[1], ARGV[2], tonumber(ARGV[3])
local mark = redis.call('HGET', paused, group)
if mark then return {0, mark} end
local out = {2, 0}
local read = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', stream, '>')
local entries = read and read[1][2] or {}
for _, entry in ipairs(entries) do
  if not pass_skip(skipped, stream, group, entry[1]) then out[#out + 1] = {'m', entry[1], 1, entry[2]} end
end
if #entries < room then forget_skips(skipped, group) else out[2] = 1 end
if skips_left(skipped, group) > 0 then return out end
out[1] = 1
return open_gate(gate, group) or out
`,
  { whenFull: true },
)
