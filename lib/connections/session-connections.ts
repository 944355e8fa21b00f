import { digestOf } from "../sessions/session-digest.ts";
import type { ConnectionHolder, EndReason } from "../sessions/session-endings.ts";
import type { SessionStore } from "../sessions/session-store.ts";
import { BoundConnection } from "./bound-connection.ts";
import { SessionWatch } from "./session-watch.ts";

/** Options of {@link SessionConnections}. */
export interface SessionConnectionsOptions {
  maxConnectionsPerSession: number;
  revalidateMs: number;
}

/**
 * The connections of this node, by the session that they are bound to. Each tab of a browser has its own connection.
 * The end of a session in the store ends its connections here.
 */
export class SessionConnections implements ConnectionHolder {
  readonly #bySession = new Map<string, Set<BoundConnection>>();
  readonly #sidByDigest = new Map<string, string>();
  readonly #byUser = new Map<string, Set<BoundConnection>>();
  readonly #maxPerSession: number;
  readonly #watch: SessionWatch;
  readonly #letGo: () => void;
  #revocations = 0;

  constructor(store: SessionStore, { maxConnectionsPerSession, revalidateMs }: SessionConnectionsOptions) {
    this.#maxPerSession = maxConnectionsPerSession;
    this.#watch = new SessionWatch(store, revalidateMs);
    this.#letGo = store.endings.hold(this);
  }

  /** Binds a new connection to a session, which may not be read yet. Returns `undefined` if the session is at its limit. */
  bind(sid: string): BoundConnection | undefined {
    const known = this.#bySession.get(sid);
    if (known && known.size >= this.#maxPerSession) return undefined;
    const connection = new BoundConnection(sid);
    if (known) known.add(connection);
    else {
      this.#bySession.set(sid, new Set([connection]));
      this.#sidByDigest.set(digestOf(sid), sid);
    }
    return connection;
  }

  /** Binds a connection to its session's user. */
  bindTo(connection: BoundConnection, userId: string | undefined): void {
    this.#forgetUser(connection);
    connection.bindTo(userId);
    if (userId === undefined) return;
    const known = this.#byUser.get(userId);
    if (known) known.add(connection);
    else this.#byUser.set(userId, new Set([connection]));
  }

  /** Watches a connection's session, which was just read. `expiresAt` is in milliseconds since the epoch. */
  watch({ sid }: BoundConnection, expiresAt: number | undefined): void {
    this.#watch.watch(sid, expiresAt);
  }

  /** Forgets a connection that was refused or has closed. */
  release(connection: BoundConnection): void {
    this.#forgetUser(connection);
    const bound = this.#bySession.get(connection.sid);
    if (!bound?.delete(connection) || bound.size > 0) return;
    this.#bySession.delete(connection.sid);
    this.#sidByDigest.delete(digestOf(connection.sid));
    this.#watch.unwatch(connection.sid);
  }

  end(sid: string, reason: EndReason): number {
    const connections = [...(this.#bySession.get(sid) ?? [])].filter(({ hasEnded }) => !hasEnded);
    for (const connection of connections) connection.end(reason);
    this.#revocations += connections.length;
    return connections.length;
  }

  /**
   * Ends the connections of a session that belong to another user than `userId`, so that their client reconnects as
   * `userId`.
   */
  endOthers(sid: string, userId: string | undefined): void {
    for (const connection of this.#bySession.get(sid) ?? []) connection.follow(userId);
  }

  /** The number of connections that ended with their session so far. */
  get revocations(): number {
    return this.#revocations;
  }

  count(sid: string): number {
    return this.#bySession.get(sid)?.size ?? 0;
  }

  sidOf(digest: string): string | undefined {
    return this.#sidByDigest.get(digest);
  }

  sidsOf(userId: string): string[] {
    return [...(this.#byUser.get(userId) ?? [])].map(({ sid }) => sid);
  }

  /** Reads a session again, if it has connections. */
  revalidate(sid: string): void {
    if (this.#bySession.has(sid)) this.#watch.watch(sid);
  }

  /** Reads all sessions again, because some may have ended without notice to this node. Resolves once all were read. */
  revalidateAll(): Promise<void> {
    const looked = this.#watch.revalidateAll();
    for (const bound of this.#bySession.values()) for (const connection of bound) connection.invalidate();
    return looked;
  }

  #forgetUser(connection: BoundConnection): void {
    const { userId } = connection;
    const known = userId === undefined ? undefined : this.#byUser.get(userId);
    if (known?.delete(connection) && known.size === 0) this.#byUser.delete(userId as string);
  }

  /** Stops receiving the ends of sessions. */
  close(): void {
    this.#letGo();
    this.#watch.close();
  }
}
