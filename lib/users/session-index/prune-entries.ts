import type { SessionStore } from "../../sessions/session-store.ts";
import type { SessionIndex } from "./session-index.ts";

/** Entries that are looked at with one login: more than one login makes, so that they become fewer. */
const PRUNED_AT_ONCE = 100;

/** How much later a session may end than its entry without a correction of the entry. */
const ROUNDING_MS = 2_000;

/**
 * Removes entries of a user that have expired, once their sessions are found gone, some at a time. An entry whose session
 * lives on is corrected, so that it does not stand in the way of the others.
 */
export async function pruneEntries(index: SessionIndex, store: SessionStore, userId: string): Promise<void> {
  const now = Date.now();
  const first = await index.entries(userId, PRUNED_AT_ONCE, "first");
  const expired = first.filter(({ expiresAt }) => expiresAt <= now);
  if (expired.length === 0) return;
  const expiries = await store.expiries(expired.map(({ sid }) => sid));
  const gone = expired.filter((_, at) => expiries[at] === undefined);
  await index.remove(
    userId,
    gone.map(({ sid }) => sid),
  );
  await Promise.all(
    expired.map(async ({ sid, expiresAt }, at) => {
      const sessionExpiresAt = expiries[at];
      if (sessionExpiresAt !== undefined && sessionExpiresAt > expiresAt + ROUNDING_MS)
        await index.extend(userId, sid, sessionExpiresAt - Date.now());
    }),
  );
}
