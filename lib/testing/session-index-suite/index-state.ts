import assert from "node:assert/strict";
import type { SessionIndex } from "../../users/session-index.ts";

export { range } from "../range.ts";

export const minuteMs = 60_000;

/** The ids of a user's entries that were not revoked, sorted. */
export async function enteredSids(index: SessionIndex, userId: string): Promise<string[]> {
  return (await index.entries(userId)).map(({ sid }) => sid).sort();
}

/** Asserts that exactly these are entered, and that each is confirmed. */
export async function assertEntered(
  index: SessionIndex,
  userId: string,
  sids: readonly string[],
  message?: string,
): Promise<void> {
  assert.deepEqual(await enteredSids(index, userId), [...sids].sort(), message);
  for (const sid of sids) assert.equal(await index.confirm(userId, sid), true, message ?? `confirms ${sid}`);
}

/** Revokes and gives the ids sorted. */
export async function revoked(index: SessionIndex, userId: string, except?: string): Promise<string[]> {
  return (await index.revoke(userId, except)).sort();
}

/** When the entry expires. */
export async function expiryOf(index: SessionIndex, userId: string, sid: string): Promise<number> {
  const entry = (await index.entries(userId)).find((found) => found.sid === sid);
  assert.ok(entry, `session ${JSON.stringify(sid)} is not entered`);
  return entry.expiresAt;
}

export async function assertExpiresIn(
  index: SessionIndex,
  userId: string,
  sid: string,
  ms: number,
): Promise<void> {
  const off = (await expiryOf(index, userId, sid)) - Date.now() - ms;
  assert.ok(Math.abs(off) <= 1_500, `the expiry of ${sid} is off by ${off} ms`);
}
