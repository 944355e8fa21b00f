import type { SessionConfig } from "../middleware/session-options.ts";
import { readable } from "../sessions/session-store.ts";

/** Enters sessions that the index lacks, and ends the sessions among them whose entries were revoked. */
export async function mendEntries(
  { index, store, bounds, userIdOf }: SessionConfig,
  missing: readonly { readonly userId: string; readonly sid: string }[],
): Promise<void> {
  // The store's clock decides which sessions live. The data of a session may say that it has expired,
  // if the session was only touched since its last save.
  const expiries = await store.expiries(missing.map(({ sid }) => sid));
  const living = missing.flatMap((each, at) => {
    const expiresAt = expiries[at];
    return expiresAt === undefined ? [] : [{ ...each, expiresAt }];
  });
  await bounds.lane.each(living, async ({ userId, sid, expiresAt }) => {
    await index.enter(userId, sid, expiresAt - Date.now());
    if (await index.confirm(userId, sid)) return;
    // A deleteUserSessions that failed has revoked this entry. The rest of its work is done here.
    const stored = await readable(store.read(sid));
    if (stored && userIdOf(stored.data) === userId) await store.remove(sid, "session_ended");
    await index.removeRevoked(userId, [sid]);
  });
}
