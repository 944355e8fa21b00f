import type { SessionKeeper } from "../middleware/session-keeper.ts";
import type { SessionRecord } from "../sessions/session-record.ts";
import type { RealtimeConnection } from "./connection.ts";

/**
 * Lets the express-sessions of connections live on, each at most once per `touchAfterMs`, however many connections it has
 * and wherever: the store's own expiry tells when a session was last touched, by whomever.
 */
export class KeepAlive {
  readonly #keeper: SessionKeeper;

  constructor(keeper: SessionKeeper) {
    this.#keeper = keeper;
  }

  /** Touches the sessions of connections that were heard, as far as they are due. */
  async refresh(heard: readonly RealtimeConnection[]): Promise<void> {
    const now = Date.now();
    const due = new Map<string, RealtimeConnection>();
    for (const connection of heard) {
      if (now >= connection.touchAt && connection.open.record?.isStored) due.set(connection.sid, connection);
    }
    if (due.size === 0) return;
    const { store } = this.#keeper.config;
    const expiries = await store.expiries([...due.keys()]);
    const touching = [...due].map(([sid, connection], at) => {
      const expiresAt = expiries[at];
      const { record } = connection.open;
      if (!record) return undefined;
      if (expiresAt === undefined) {
        store.endings.close(sid, "session_ended");
        return undefined;
      }
      const lifeMs = this.#lifeMs(record);
      const windowMs = Math.min(this.#keeper.config.touchAfterMs, lifeMs / 2);
      // A store that cannot tell is touched by this node's own count.
      const idleMs = Number.isFinite(expiresAt) ? lifeMs - (expiresAt - now) : windowMs;
      connection.touchAt = now + windowMs - Math.min(Math.max(idleMs, 0), windowMs);
      return connection.touchAt > now ? undefined : this.#touch(connection, record, windowMs);
    });
    await Promise.all(touching);
  }

  async #touch(connection: RealtimeConnection, record: SessionRecord, windowMs: number): Promise<void> {
    const now = Date.now();
    connection.touchAt = now + windowMs;
    this.#keeper.touchWindow.touched(record.session.id, now);
    record.session.touch();
    await record.refresh().catch((error) => this.#keeper.errors.report(error, connection.req));
  }

  #lifeMs({ session }: SessionRecord): number {
    return session.cookie.originalMaxAge ?? this.#keeper.config.store.lifeMs(session as never);
  }
}
