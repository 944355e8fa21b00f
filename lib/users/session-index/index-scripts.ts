/*
 * The entries of a user are a ZSET. A member is a session id. Its score is the millisecond at which the session
 * expires, with its fraction, so that a moved expiry is always a different score. The score of a revoked entry is
 * below zero. The score of an entry that never expires is above all dates. The key expires with its last entry.
 * Every script has
 *
 * KEYS[1]  the user's entries
 */

/**
 * Milliseconds that the key outlives its last entry. A session's life begins when its own command arrives, and that
 * command may arrive this much later than the command of its entry. Without its entry, nobody could find the session
 * and end it.
 */
const GRACE_MS = 2_000;

/** Entries with this score or a higher one never expire. It lies after the last possible date. */
export const NEVER = 9e15;

/** Moves the key's own expiry to the expiry of its last entry. A revoked entry counts with the expiry that it had. */
const EXPIRE_KEY = `
local function last(range)
  return tonumber((redis.call('ZRANGE', KEYS[1], range, range, 'WITHSCORES'))[2] or 0)
end
local latest = math.max(last(-1), -last(0))
if latest >= ${NEVER} then redis.call('PERSIST', KEYS[1])
elseif latest > 0 then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', latest + ${GRACE_MS})) end
`;

/**
 * Enters a session, or moves the expiry of an entry that is not revoked.
 *
 * ARGV[1]  the session id
 * ARGV[2]  milliseconds that the session lives, or 'inf'. The server's clock counts, because keys expire by it.
 * ARGV[3]  'enter'; 'extend', which moves the expiry to a later time; or the entry's present score, which shortens it:
 *          the expiry moves to an earlier time if the entry still has this score
 */
export const ENTER_SCRIPT: string = `
local score = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or -1)
local isNew = ARGV[3] == 'enter'
if not isNew and score < 0 then return 0 end
local time = redis.call('TIME')
local life = ARGV[2] == 'inf' and ${NEVER} or tonumber(ARGV[2])
-- Above zero, where the revoked are not, however long the session has been over.
local expiry = math.max(1, time[1] * 1000 + time[2] / 1000 + life)
if ARGV[3] == 'extend' then
  -- A score that stays would not tell that somebody has extended the entry.
  expiry = math.max(expiry, score + (score < ${NEVER} and 0.001 or 1))
elseif not isNew then
  if tonumber(ARGV[3]) ~= score then return 0 end
  expiry = math.min(expiry, score)
end
redis.call('ZADD', KEYS[1], isNew and 'NX' or 'XX', string.format('%.3f', expiry), ARGV[1])
${EXPIRE_KEY}
return 1
`;

/**
 * Removes entries.
 *
 * ARGV  the session ids. Lua's stack holds some thousands at most.
 */
export const REMOVE_SCRIPT: string = `
redis.call('ZREM', KEYS[1], unpack(ARGV))
${EXPIRE_KEY}
`;

/**
 * Removes the given entries that are revoked, and no others.
 *
 * ARGV  the session ids
 */
export const REMOVE_REVOKED_SCRIPT: string = `
for i = 1, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) < 0 then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
${EXPIRE_KEY}
`;

/**
 * Removes an entry if its score has not changed since it was read.
 *
 * ARGV[1]  the session id
 * ARGV[2]  the score
 */
export const REMOVE_MARKED_SCRIPT: string = `
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return end
redis.call('ZREM', KEYS[1], ARGV[1])
${EXPIRE_KEY}
`;

/** Up to this many entries are revoked one by one. That is cheaper than rewriting the whole key. */
const FEW = 100;

/**
 * Revokes all entries, or all but one.
 *
 * ARGV[1]  'except', or 'all'
 * ARGV[2]  the session id to except
 * ARGV[3]  how many ids to return at most, or -1
 *
 * Returns ids of entries that are now revoked. The excepted id is among them if an earlier call has revoked its entry.
 */
export const REVOKE_SCRIPT: string = `
local kept
if ARGV[1] == 'except' then
  kept = redis.call('ZSCORE', KEYS[1], ARGV[2])
  -- What a call has revoked stays revoked: a login that it has overtaken must not be confirmed after all.
  if kept and tonumber(kept) < 0 then kept = nil end
end
local valid = redis.call('ZCOUNT', KEYS[1], '(0', '+inf') - (kept and 1 or 0)
if valid > ${FEW} then
  -- Each score becomes the lesser of itself and its negative: a single command, however many there are.
  redis.call('ZUNIONSTORE', KEYS[1], 2, KEYS[1], KEYS[1], 'WEIGHTS', 1, -1, 'AGGREGATE', 'MIN')
  if kept then redis.call('ZADD', KEYS[1], kept, ARGV[2]) end
  -- The new key has no expiry.
  ${EXPIRE_KEY}
elseif valid > 0 then
  local entries = redis.call('ZRANGEBYSCORE', KEYS[1], '(0', '+inf', 'WITHSCORES')
  for i = 1, #entries, 2 do
    if not kept or entries[i] ~= ARGV[2] then
      redis.call('ZADD', KEYS[1], string.format('%.3f', -tonumber(entries[i + 1])), entries[i])
    end
  end
end
return redis.call('ZREVRANGEBYSCORE', KEYS[1], '(0', '-inf', 'LIMIT', 0, ARGV[3])
`;

/**
 * Revokes one entry.
 *
 * ARGV[1]  the session id
 *
 * Returns 1 if the entry exists, else 0.
 */
export const REVOKE_ONE_SCRIPT: string = `
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then return 0 end
if tonumber(score) > 0 then
  redis.call('ZADD', KEYS[1], string.format('%.3f', -tonumber(score)), ARGV[1])
end
return 1
`;
