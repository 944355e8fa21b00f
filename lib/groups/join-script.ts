/**
 * Adds a user to a group, unless the user is at the limit of groups.
 *
 * KEYS[1]  the user's groups, a SET
 * ARGV[1]  the group
 * ARGV[2]  groups that a user may be in, or 'inf'
 *
 * Returns 1 if the user has joined, 0 for a member, -1 if the user is at the limit.
 */
export const JOIN_SCRIPT: string = `
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return 0 end
if ARGV[2] ~= 'inf' and redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[2]) then return -1 end
return redis.call('SADD', KEYS[1], ARGV[1])
`;
