/**
 * Writes a session if it is still as the writer had loaded it.
 *
 * KEYS[1]  the session
 * ARGV[1]  the value loaded, or '' for a session that must not exist yet
 * ARGV[2]  the value to write
 * ARGV[3]  seconds to live, or '' for ever
 *
 * Returns 1 if it was written, else what stands there now: '' if nothing does.
 * The whole value is compared, not a hash: shorter on neither side once both have it at hand, and exact.
 */
export const WRITE_SCRIPT: string = `
local current = redis.call('GET', KEYS[1]) or ''
if current ~= ARGV[1] then return current end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1
`;
