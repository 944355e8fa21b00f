/*
 * The connections of a user are a ZSET of connection id to the millisecond at which the user was last heard, by
 * the server's clock. A user without connections who is still leaving has the member '' alone, whose score is
 * when that is over.
 */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * Registers a connection.
 *
 * KEYS[1]  the user's connections
 * ARGV[1]  the connection id
 * ARGV[2]  connections that a user may have, or 'inf'
 * ARGV[3]  milliseconds after which one that was not heard is swept
 * ARGV[4]  '1' if it is asked again, since the answer did not come
 *
 * Who came first has half a millisecond more, until it is seen: by that it is known when it is asked again.
 *
 * Returns 1 for the first of a user who was offline, 0 for a further one, -1 if there are as many as may be.
 */
export const ARRIVE_SCRIPT: string = `${NOW}
local wasOnline = redis.call('EXISTS', KEYS[1]) == 1
if wasOnline then
  local known = ARGV[4] == '1' and redis.call('ZSCORE', KEYS[1], ARGV[1])
  if known and tonumber(known) % 1 > 0 then return 1 end
  redis.call('ZREM', KEYS[1], '')
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now - ARGV[3]))
  if ARGV[2] ~= 'inf' and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
    return -1
  end
end
redis.call('ZADD', KEYS[1], string.format('%.1f', wasOnline and now or now + 0.5), ARGV[1])
return wasOnline and 0 or 1
`;

/**
 * Takes a connection out, or settles whether a user who was leaving has gone.
 *
 * KEYS[1]  the user's connections
 * ARGV[1]  the connection id
 * ARGV[2]  milliseconds for which a user without connections is leaving
 *
 * Returns the milliseconds after which to ask again, 0 if the user is offline by this call, -1 if there is nothing to do.
 */
export const DEPART_SCRIPT: string = `${NOW}
local departed = redis.call('ZREM', KEYS[1], ARGV[1])
local leavesAt = redis.call('ZSCORE', KEYS[1], '')
if not leavesAt then
  if departed == 0 or redis.call('ZCARD', KEYS[1]) > 0 then return -1 end
  leavesAt = now + ARGV[2]
  if leavesAt > now then redis.call('ZADD', KEYS[1], string.format('%.0f', leavesAt), '') end
end
local forMs = tonumber(leavesAt) - now
if forMs > 0 then return forMs end
redis.call('DEL', KEYS[1])
return 0
`;

/**
 * Moves the times at which users were last heard on connections that are registered.
 *
 * KEYS[n]          the connections of the nth one's user
 * ARGV[2 * n - 1]  its id
 * ARGV[2 * n]      milliseconds since then
 *
 * Returns the n of those that are not registered.
 */
export const SAW_SCRIPT: string = `${NOW}
local missing = {}
for n, key in ipairs(KEYS) do
  local id = ARGV[2 * n - 1]
  -- One whose time was just this has not changed either.
  if redis.call('ZADD', key, 'XX', 'CH', string.format('%.0f', now - ARGV[2 * n]), id) == 0 and not redis.call('ZSCORE', key, id) then
    table.insert(missing, n)
  end
end
return missing
`;
