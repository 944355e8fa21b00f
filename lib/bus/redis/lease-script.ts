/**
 * Renews a node's lease, forgets those that have run out, and answers who lives, by the server's own clock:
 * those of the nodes may differ.
 *
 * KEYS[1]  the leases, a ZSET of node id to the millisecond at which its lease runs out
 * ARGV[1]  the node whose lease is renewed, or '' to only look
 * ARGV[2]  milliseconds that the lease lasts
 *
 * Returns the nodes that live; of one whose lease is renewed, whether it had one: 1, or 0.
 */
export const LEASE_SCRIPT: string = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[1] ~= '' then
  local known = redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return known
end
return redis.call('ZRANGE', KEYS[1], 0, -1)
`;
