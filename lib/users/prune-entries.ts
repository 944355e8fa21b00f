import type { SessionStore } from "../sessions/session-store.ts";
import type { SessionIndex } from "./session-index.ts";

/** Removes a user's entries that have expired, once their sessions are found gone. */
export async function pruneEntries(index: SessionIndex, store: SessionStore, userId: string): Promise<void> {
  const now = Date.now();
  const entries = await index.entries(userId);
  const sids = entries.filter(({ expiresAt }) => expiresAt <= now).map(({ sid }) => sid);
  if (sids.length === 0) return;
  const expiries = await store.expiries(sids);
  const gone = sids.filter((_, at) => expiries[at] === undefined);
  await index.remove(userId, gone);
}
