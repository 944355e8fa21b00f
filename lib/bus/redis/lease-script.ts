/**
 * Renews a node's lease, or returns the live nodes. Both remove the leases that have run out. The server's clock counts,
 * because the clocks of the nodes may differ.
 *
 * KEYS[1]  the leases, a ZSET of node id to the millisecond at which its lease runs out
 * ARGV[1]  the node whose lease is renewed, or '' to read the live nodes
 * ARGV[2]  milliseconds that the lease lasts
 *
 * Returns 1 for a renewal if the node had a lease, otherwise 0. Without a node, returns the ids of the live nodes.
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
