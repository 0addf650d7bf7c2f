import { type Script, script } from '../../connection/script.js'
import { addWaiting, fieldsOf, maxScriptBytes, nowDown, packFields } from './lua.js'

/** Adds up the size of entries. They are read one by one, because the size of an entry is known only once it has been read. */
const sizeOf = `
local function size_of(fields)
  local bytes = 0
  for _, field in ipairs(fields) do bytes = bytes + #field end
  return bytes
end`

const pageOf = (until: string, count: string, item: string): Script =>
  script(`
${sizeOf}
local page, bytes, after = {}, 0, ARGV[1]
while #page < tonumber(${count}) and bytes < ${maxScriptBytes} do
  local entry = redis.call('XRANGE', KEYS[1], after, ${until}, 'COUNT', 1)[1]
  if not entry then break end
  bytes = bytes + size_of(entry[2])
  page[#page + 1] = ${item}
  after = '(' .. entry[1]
end
return page
`)

/** Returns entries, at most 4 MiB and one entry more. KEYS: dead. ARGV: where to begin, how many. */
export const listScript = pageOf("'+'", 'ARGV[2]', 'entry')

/** Returns the ids of entries, of as many as `listScript` returns. KEYS: dead. ARGV: where to begin and to end, how many. */
export const idsScript = pageOf('ARGV[2]', 'ARGV[3]', 'entry[1]')

/** Returns what `failureBeforeReplay` does, except that the stack stays: the letter with the same one is removed. */
const failureBefore = `
local function failure_before(all)
  for i = 1, #all, 2 do
    if all[i] == 'mq:failure' and string.find(all[i + 1], '"traceparent":"', 1, true) then
      return (string.gsub(all[i + 1], '"attempts":%d+', '"attempts":0', 1))
    end
  end
end`

/**
 * Sends dead letters to their group again, in their original form, at most 4 MiB and one letter more. KEYS: dead, due, due data. ARGV:
 * their entry ids. Returns how many of them existed, and of how many ids that is.
 */
export const replayScript = script(
  `
${nowDown}
${addWaiting}
${fieldsOf}
${packFields}
${sizeOf}
${failureBefore}
local count, seen, bytes = 0, 0, 0
for _, id in ipairs(ARGV) do
  if bytes >= ${maxScriptBytes} then break end
  local fields, all = fields_of(KEYS[1], id)
  if fields then
    local failure = failure_before(all)
    if failure then
      fields[#fields + 1] = 'mq:failure'
      fields[#fields + 1] = failure
    end
    local refused = add_waiting(KEYS[2], KEYS[3], now_down(), pack_fields(fields))
    if refused then return refused end
    redis.call('XDEL', KEYS[1], id)
    count = count + 1
    bytes = bytes + size_of(fields)
  end
  seen = seen + 1
end
return {count, seen}
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
