import createDebug from "debug";
import type { Request } from "express";
import { closeCodes } from "../../close-codes.ts";
import { REPLACED_HEAD_START_MS } from "../../connections/bound-connection.ts";
import { keyOfSession, newGuestKey } from "../../middleware/cookies/guest-cookie.ts";
import type { OpenSession } from "../../middleware/open-session.ts";
import type { SessionKeeper } from "../../middleware/session-keeper.ts";
import type { GuestLogins } from "../../users/login/guest-logins.ts";
import type { SessionWebSocket } from "../session-web-socket.ts";

/** The keys by which a guest's browser is recognised. */
export interface Guest {
  readonly keys: readonly string[];
  /** The cookie that the handshake's answer must set, if there is one. */
  readonly setCookies: readonly string[];
}

const debug = createDebug("express-session-stack:websocket");

/**
 * The connections of this node whose session is not stored, by the keys that their browsers can show. A key is in a cookie,
 * or comes from the id of a session that is gone. When such a browser logs in, its connections close, so that they
 * reconnect as that user's.
 */
export class GuestConnections {
  readonly #keeper: SessionKeeper;
  readonly #logins: GuestLogins;
  readonly #byKey = new Map<string, Set<SessionWebSocket>>();
  readonly #letGo: () => void;
  #isJoining = false;

  constructor(keeper: SessionKeeper) {
    this.#keeper = keeper;
    this.#logins = keeper.guestLogins;
    this.#letGo = this.#logins.listen((key) => {
      const connections = this.#byKey.get(key);
      if (!connections) return;
      debug("%d of a guest who has logged in come back", connections.size);
      for (const ws of connections) comeBack(ws);
    });
  }

  /** The keys of a guest whose handshake is about to be answered. */
  know(open: OpenSession, req: Request): Guest {
    const keys = open.requestedId === undefined ? [] : [keyOfSession(open.requestedId)];
    // Any one of several keys will do, because a browser shows all of them when it logs in.
    const [shown] = open.guestKeys;
    if (shown !== undefined) return { keys: [...keys, shown], setCookies: [] };
    const key = newGuestKey();
    try {
      const cookie = open.guestCookie(key);
      return cookie === undefined ? { keys, setCookies: [] } : { keys: [...keys, key], setCookies: [cookie] };
    } catch (error) {
      // A cookie that cannot be written, such as for a host that is no domain: the handshake is answered without it.
      this.#keeper.errors.report(error, req);
      return { keys, setCookies: [] };
    }
  }

  /** Looks after the connection of a guest from here on. */
  add(ws: SessionWebSocket, { keys }: Guest): void {
    for (const key of keys) this.#byKey.set(key, (this.#byKey.get(key) ?? new Set()).add(ws));
    ws.onceClosed(() => {
      for (const key of keys) this.#remove(key, ws);
    });
    // The handshake was sent before the response to the login had arrived.
    if (keys.some((key) => this.#logins.isRecent(key))) comeBack(ws);
    if (!this.#keeper.hasJoinedNodes) void this.#join();
  }

  /** Stops receiving logins. */
  close(): void {
    this.#letGo();
  }

  /** Joins the other nodes, and catches up with the logins that this node has missed. */
  async #join(): Promise<void> {
    if (this.#isJoining) return;
    this.#isJoining = true;
    try {
      await this.#keeper.joinNodes();
      this.#logins.catchUp();
    } catch {
      // The next guest tries again.
    } finally {
      this.#isJoining = false;
    }
  }

  #remove(key: string, ws: SessionWebSocket): void {
    const connections = this.#byKey.get(key);
    connections?.delete(ws);
    if (connections?.size === 0) this.#byKey.delete(key);
  }
}

/** Closes a connection, so that its client reconnects. Until then it stays a guest's, so it gets no messages of a user. */
function comeBack(ws: SessionWebSocket): void {
  setTimeout(() => {
    if (ws.readyState === ws.OPEN) ws.end(closeCodes.session_replaced, "session_replaced");
  }, REPLACED_HEAD_START_MS).unref();
}
