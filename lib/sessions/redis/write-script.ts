/**
 * Writes a session if its stored value still equals the one that the writer had loaded.
 *
 * KEYS[1]  the session
 * ARGV[1]  the value loaded, or '' for a session that must not exist yet
 * ARGV[2]  the value to write
 * ARGV[3]  seconds to live, or '' for ever
 *
 * Returns 1 if it was written. Otherwise returns the value that is stored now, or '' if there is none.
 * The script compares whole values. A hash would save nothing, because both sides have the value at hand, and it would
 * be less exact.
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

/**
 * Moves the expiry of a session if its stored value still equals the one that the caller had loaded.
 *
 * KEYS[1]  the session
 * ARGV[1]  the value loaded
 * ARGV[2]  seconds to live
 *
 * Returns 0 if the session is gone, otherwise 1. A value that was written since then keeps the expiry of its own write.
 */
export const TOUCH_SCRIPT: string = `
local current = redis.call('GET', KEYS[1])
if not current then return 0 end
if current == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 1
`;
