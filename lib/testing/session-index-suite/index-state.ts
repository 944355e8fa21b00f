import assert from "node:assert/strict";
import type { SessionIndex } from "../../users/session-index/session-index.ts";

export { range } from "../tools/range.ts";

export const minuteMs = 60_000;

/** Stores may round an expiry up to whole seconds. */
const roundingMs = 1_500;

/** The ids of a user's entries that were not revoked, sorted. */
export async function enteredSids(index: SessionIndex, userId: string): Promise<string[]> {
  return (await index.entries(userId)).map(({ sid }) => sid).sort();
}

/** Asserts that exactly these sessions are entered, and that each is confirmed. */
export async function assertEntered(
  index: SessionIndex,
  userId: string,
  sids: readonly string[],
  message?: string,
): Promise<void> {
  assert.deepEqual(await enteredSids(index, userId), [...sids].sort(), message);
  for (const sid of sids) assert.equal(await index.confirm(userId, sid), true, message ?? `confirms ${sid}`);
}

/** Revokes, and returns the ids, sorted. */
export async function revoked(index: SessionIndex, userId: string, except?: string): Promise<string[]> {
  return (await index.revoke(userId, except)).sort();
}

/** Marks an entry, and then moves its expiry to an earlier time. */
export async function shorten(
  index: SessionIndex,
  userId: string,
  sid: string,
  lifeMs: number,
): Promise<void> {
  const mark = await index.mark(userId, sid);
  assert.ok(mark !== undefined, `session ${JSON.stringify(sid)} is not entered`);
  await index.shorten(userId, sid, lifeMs, mark);
}

/** The expiry of an entry that must exist. */
export async function expiryOf(index: SessionIndex, userId: string, sid: string): Promise<number> {
  const entry = (await index.entries(userId)).find((found) => found.sid === sid);
  assert.ok(entry, `session ${JSON.stringify(sid)} is not entered`);
  return entry.expiresAt;
}

/** Asserts that an entry expires `ms` after some moment between `since` and now. */
export async function assertExpiresIn(
  index: SessionIndex,
  userId: string,
  sid: string,
  ms: number,
  since: number,
): Promise<void> {
  const expiry = await expiryOf(index, userId, sid);
  const [early, late] = [since + ms - expiry, expiry - Date.now() - ms];
  assert.ok(early <= roundingMs, `${sid} expires ${early} ms too early`);
  assert.ok(late <= roundingMs, `${sid} expires ${late} ms too late`);
}
