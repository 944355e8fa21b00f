import { inBatches } from "../../calls/in-batches.ts";
import { isSessionDeleted } from "../../errors.ts";
import { debugSession } from "../../middleware/debug-session.ts";
import type { SessionKeeper } from "../../middleware/session-keeper.ts";
import { touchedLifeMs } from "../../sessions/data/inflate-cookie.ts";
import { cookieOf } from "../../sessions/data/session-cookie.ts";
import type { SessionRecord } from "../../sessions/record/session-record.ts";
import type { RealtimeConnection } from "../realtime-connection.ts";

/**
 * Touches the express-sessions of connections, each at most once per `touchAfterMs`, however many connections it has on
 * however many nodes. The store's own expiry tells when a session was last touched.
 */
export class KeepAlive {
  readonly #keeper: SessionKeeper;

  constructor(keeper: SessionKeeper) {
    this.#keeper = keeper;
  }

  /** Touches the sessions of active connections, as far as a touch is due. */
  async refresh(heard: readonly RealtimeConnection[]): Promise<void> {
    const now = Date.now();
    const due = new Map<string, RealtimeConnection>();
    const { touchAfterMs } = this.#keeper.config;
    for (const connection of heard) {
      // A due time further away than the interval comes from a clock that was set back.
      const isDue = now >= connection.touchAt || connection.touchAt > now + touchAfterMs;
      if (isDue && connection.open.record?.isStored) due.set(connection.sid, connection);
    }
    if (due.size === 0) return;
    const { store } = this.#keeper.config;
    const expiries = await store.expiries([...due.keys()]);
    const touching = [...due].map(([sid, connection], at) => ({ sid, connection, expiresAt: expiries[at] }));
    await inBatches(touching, async ({ sid, connection, expiresAt }) => {
      const { record } = connection.open;
      if (!record) return;
      if (expiresAt === undefined) {
        store.endings.close(sid, "session_ended");
        return;
      }
      const lifeMs = this.#lifeMs(record);
      const windowMs = Math.min(touchAfterMs, lifeMs / 2);
      // If the store cannot tell the expiry, this node's own count decides.
      const idleMs = Number.isFinite(expiresAt) ? lifeMs - (expiresAt - now) : windowMs;
      connection.touchAt = now + windowMs - Math.min(Math.max(idleMs, 0), windowMs);
      if (connection.touchAt <= now) await this.#touch(connection, record, windowMs);
    });
  }

  async #touch(connection: RealtimeConnection, record: SessionRecord, windowMs: number): Promise<void> {
    this.#keeper.touchWindow.touched(record.session.id);
    try {
      // The age in the store counts: another request may have changed it since.
      const stored = await record.read();
      const cookie = cookieOf(stored.data);
      cookie.maxAge = cookie.originalMaxAge;
      await record.refresh(stored);
      if (!record.hasEnded) debugSession(connection.req, "touched");
    } catch (error) {
      if (!isSessionDeleted(error)) this.#keeper.errors.report(error, connection.req);
    }
    // Counted from the end of the touch. Counted from its start, the store would say that the next one is not due yet.
    connection.touchAt = Date.now() + windowMs;
  }

  #lifeMs({ session }: SessionRecord): number {
    return touchedLifeMs(this.#keeper.config.store, session as never);
  }
}
