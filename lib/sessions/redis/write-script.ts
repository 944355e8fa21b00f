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

/**
 * Moves the expiry of a session if it is still as the toucher had loaded it.
 *
 * KEYS[1]  the session
 * ARGV[1]  the value loaded
 * ARGV[2]  seconds to live
 *
 * Returns 0 if the session is gone, else 1: what was written since it was loaded has a life of its own.
 */
export const TOUCH_SCRIPT: string = `
local current = redis.call('GET', KEYS[1])
if not current then return 0 end
if current == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 1
`;
