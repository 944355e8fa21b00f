/**
 * Tells which of some users are in a group.
 *
 * KEYS[n]  the groups of the nth user, a SET
 * ARGV[1]  the group
 *
 * Returns 1 for each user in the group, otherwise 0.
 */
export const ARE_MEMBERS_SCRIPT: string = `
local found = {}
for n, key in ipairs(KEYS) do found[n] = redis.call('SISMEMBER', key, ARGV[1]) end
return found
`;
