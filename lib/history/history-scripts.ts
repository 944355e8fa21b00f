/*
 * A channel has three keys, all of one slot:
 *
 * at       its position, a HASH: `epoch`, `offset`, and `first`, the epoch in which the offsets began. `renew` changes
 *          `epoch` alone, so two positions belong to the same numbers if they have the same `first`.
 * kept     its messages, a LIST of `<millisecond> <message>`. The last one has the offset of `at`, and none is missing
 *          before it. So the place of a message tells its offset.
 * entered  the users who have entered, a HASH of user id to `<first> <offset>`
 *
 * The server's clock counts, because the clocks of the nodes may differ. In every script
 *
 * KEYS[1]  `at`
 * KEYS[2]  `kept`
 * ARGV[1]  the epoch of a new life, if there is no `at`
 */

/** Milliseconds that a position outlives the last use of its channel. */
export const POSITION_LIVES_MS: number = 30 * 86_400_000;

/** Reads a position. If there is none, a new life begins, and the messages of an earlier one go. */
const POSITION = `
local function position(at, kept, new)
  local found = redis.call('HMGET', at, 'epoch', 'offset', 'first')
  if found[1] then return found[1], tonumber(found[2]), found[3] end
  redis.call('DEL', kept)
  redis.call('HSET', at, 'epoch', new, 'offset', 0, 'first', new)
  redis.call('PEXPIRE', at, ${POSITION_LIVES_MS})
  return new, 0, new
end
`;

/** Reads a position, and moves its expiry, which a look seldom does, so that most looks write nothing. */
const LOOK = `
${POSITION}
local function look(at, kept, new)
  local epoch, offset, first = position(at, kept, new)
  if redis.call('PTTL', at) < ${POSITION_LIVES_MS / 2} then redis.call('PEXPIRE', at, ${POSITION_LIVES_MS}) end
  return epoch, offset, first
end
`;

/** Counts the messages that are older than some milliseconds. They are in order, so few of them are looked at. */
const OLD = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function old(kept, length, maxAgeMs)
  local function isOld(place)
    return now - tonumber(string.match(redis.call('LINDEX', kept, place), '^%d+')) > maxAgeMs
  end
  if length == 0 or not isOld(0) then return 0 end
  local lastOld, young = 0, length
  while young - lastOld > 1 do
    local middle = math.floor((lastOld + young) / 2)
    if isOld(middle) then lastOld = middle else young = middle end
  end
  return young
end
`;

/**
 * Numbers a message, keeps it, drops what exceeds the limits, and publishes the message.
 *
 * ARGV[2]  the message
 * ARGV[3]  messages to keep
 * ARGV[4]  milliseconds after which a message is dropped
 * ARGV[5]  'PUBLISH', or 'SPUBLISH' on a cluster
 * ARGV[6]  the name of the channel in Redis
 *
 * Returns the epoch and the offset.
 */
export const APPEND_SCRIPT: string = `
${POSITION}
${OLD}
local epoch = position(KEYS[1], KEYS[2], ARGV[1])
local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
local maxAgeMs = tonumber(ARGV[4])
redis.call('PEXPIRE', KEYS[1], math.max(${POSITION_LIVES_MS}, maxAgeMs))
local length = redis.call('RPUSH', KEYS[2], string.format('%.0f ', now) .. ARGV[2])
local dropped = math.max(length - tonumber(ARGV[3]), old(KEYS[2], length, maxAgeMs))
if dropped > 0 then redis.call('LTRIM', KEYS[2], dropped, -1) end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call(ARGV[5], ARGV[6], string.format('kept %s %.0f', epoch, offset) .. '\\n' .. ARGV[2])
return { epoch, offset }
`;

/**
 * Reads positions. The first two keys are those of the first channel, the next two those of the second one, and so on.
 * The epochs of new lives are ARGV[1] with the number of the channel.
 *
 * Returns the epoch and the offset of each channel.
 */
export const POSITIONS_SCRIPT: string = `
${LOOK}
local found = {}
for n = 1, #KEYS, 2 do found[n], found[n + 1] = look(KEYS[n], KEYS[n + 1], ARGV[1] .. n) end
return found
`;

/** Messages that one step of a read takes from Redis. More may be too many bytes. */
const READ_AT_ONCE = 10;

/**
 * Reads messages.
 *
 * KEYS[3]  `entered`, if a reader is given
 * ARGV[2]  the last offset before the range
 * ARGV[3]  the last offset of the range
 * ARGV[4]  messages to read at most
 * ARGV[5]  bytes of messages to read at most
 * ARGV[6]  'oldest' or 'newest'
 * ARGV[7]  milliseconds after which a message does not count
 * ARGV[8]  the reader
 *
 * Returns the epoch, the offset, the last offset before the reader has entered, the first offset of the page, and the
 * messages. With 'newest', the first offset is the highest one, and the messages come in descending order.
 */
export const READ_SCRIPT: string = `
${LOOK}
${OLD}
local epoch, offset, first = look(KEYS[1], KEYS[2], ARGV[1])
local enteredAfter = 0
if KEYS[3] then
  local life, after = string.match(redis.call('HGET', KEYS[3], ARGV[8]) or '', '^(%S+) (%d+)$')
  if life == first then enteredAfter = tonumber(after) end
end
local length = redis.call('LLEN', KEYS[2])
local before = offset - length
local low = math.max(tonumber(ARGV[2]), enteredAfter, before) + 1
local high = math.min(tonumber(ARGV[3]), offset)
if low <= high then low = math.max(low, before + old(KEYS[2], length, tonumber(ARGV[7])) + 1) end
local limit, maxBytes, isUpward = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == 'oldest'
if isUpward then high = math.min(high, low + limit - 1) else low = math.max(low, high - limit + 1) end
local page, bytes = {}, 0
local function take(from, to)
  local some = redis.call('LRANGE', KEYS[2], from - before - 1, to - before - 1)
  for n = 1, #some do
    local text = some[isUpward and n or #some + 1 - n]
    local message = string.sub(text, string.find(text, ' ', 1, true) + 1)
    bytes = bytes + #message
    if #page > 0 and bytes > maxBytes then return false end
    page[#page + 1] = message
  end
  return true
end
if isUpward then
  for from = low, high, ${READ_AT_ONCE} do
    if not take(from, math.min(high, from + ${READ_AT_ONCE - 1})) then break end
  end
else
  for to = high, low, -${READ_AT_ONCE} do
    if not take(math.max(low, to - ${READ_AT_ONCE - 1}), to) then break end
  end
end
return { epoch, offset, enteredAfter, isUpward and low or high, page }
`;

/**
 * Notes that a user enters a channel. The key expires once the last user has entered for long enough.
 *
 * KEYS[3]  `entered`
 * ARGV[2]  the user
 * ARGV[3]  milliseconds that it lasts
 *
 * Returns the epoch and the offset.
 */
export const ENTER_CHANNEL_SCRIPT: string = `
${LOOK}
local epoch, offset, first = look(KEYS[1], KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[2], string.format('%s %.0f', first, offset))
if redis.call('PTTL', KEYS[3]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[3], ARGV[3]) end
return { epoch, offset }
`;

/**
 * Begins a new life, if the channel is still in the given one.
 *
 * ARGV[2]  the epoch of the life to end
 *
 * Returns the epoch and the offset.
 */
export const RENEW_SCRIPT: string = `
${LOOK}
local epoch, offset = look(KEYS[1], KEYS[2], ARGV[1])
if epoch == ARGV[2] then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
end
return { epoch, offset }
`;
