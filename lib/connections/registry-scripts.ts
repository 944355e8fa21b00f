/*
 * The connections of a user are a ZSET of connection id to the millisecond at which the user was last heard, by
 * the server's clock. A user without connections who is still leaving has only the member ''. Its score is the
 * millisecond at which the user goes offline.
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
 * ARGV[3]  milliseconds after which a connection that was not heard is swept
 * ARGV[4]  '1' if the call is repeated because its answer did not come
 *
 * The score of the first connection has half a millisecond more, until it is seen. A repeated call recognises it by that.
 *
 * Returns 1 for the first connection of a user who was offline, 0 for a further one, -1 if the user is at the limit.
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
 * Removes a connection, or settles whether a user who was leaving has gone offline.
 *
 * KEYS[1]  the user's connections
 * ARGV[1]  the connection id
 * ARGV[2]  milliseconds for which a user without connections is leaving
 *
 * Returns the milliseconds after which to call again, 0 if this call took the user offline, -1 if there is nothing to do.
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
 * Updates when users were last heard, on registered connections.
 *
 * KEYS[n]          the connections of the user of the nth connection
 * ARGV[2 * n - 1]  the id of the nth connection
 * ARGV[2 * n]      milliseconds since its user was last heard
 *
 * Returns each n whose connection is not registered.
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
