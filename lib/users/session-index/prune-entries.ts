import type { SessionStore } from "../../sessions/session-store.ts";
import type { SessionIndex } from "./session-index.ts";

/** Entries that one login examines. These are more than one login makes, so the number of expired entries falls. */
const PRUNED_AT_ONCE = 100;

/** An entry is corrected only if its session ends later than the entry by more than this. */
const ROUNDING_MS = 2_000;

/**
 * Removes a limited number of a user's expired entries, if their sessions are gone. Corrects an expired entry whose
 * session still lives, so that it does not block the other entries.
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
