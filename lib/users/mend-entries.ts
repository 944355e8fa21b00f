import type { SessionConfig } from "../middleware/session-options.ts";
import { readable } from "../sessions/session-store.ts";

/** Enters sessions of users that the index lacks, and ends those that were revoked. */
export async function mendEntries(
  { index, store, bounds, userIdOf }: SessionConfig,
  missing: readonly { readonly userId: string; readonly sid: string }[],
): Promise<void> {
  // By the store's clock: a session that was only touched since it was saved says in itself that it is over.
  const expiries = await store.expiries(missing.map(({ sid }) => sid));
  const living = missing.flatMap((each, at) => {
    const expiresAt = expiries[at];
    return expiresAt === undefined ? [] : [{ ...each, expiresAt }];
  });
  await bounds.lane.each(living, async ({ userId, sid, expiresAt }) => {
    await index.enter(userId, sid, expiresAt - Date.now());
    if (await index.confirm(userId, sid)) return;
    // Revoked by a deleteUserSessions that failed: what is left of that is done here.
    const stored = await readable(store.read(sid));
    if (stored && userIdOf(stored.data) === userId) await store.remove(sid, "session_ended");
    await index.removeRevoked(userId, [sid]);
  });
}
