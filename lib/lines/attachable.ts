import type { Request } from "express";
import type { OpenSession } from "../middleware/open-session.ts";
import type { SessionKeeper } from "../middleware/session-keeper.ts";
import type { RealtimeStats } from "../observability/realtime-stats.ts";
import { refuseOtherCopy } from "../options/made-here.ts";
import type { Line } from "./line.ts";

/** A connection whose handshake is about to be answered. */
export interface Candidate {
  readonly req: Request;
  readonly open: OpenSession;
  readonly userId: string | undefined;
}

/** The place of one connection in a handler. It lasts until it is given up, or the open connection is muted or closed. */
export interface Seat {
  /** Called when the handshake was answered, before any message is received. */
  open(line: Line): void;
  /** Called when the handshake was refused after all. */
  giveUp(): void;
}

/** A handler of all connections, beside the app's own listeners. */
export interface ConnectionHandler {
  /**
   * Admits a connection before its handshake is answered. Resolves to `undefined` if its user is at the limit of
   * connections.
   */
  admit(candidate: Candidate): Promise<Seat | undefined>;
  /** Figures of this node. */
  readonly stats: RealtimeStats;
  /** Resolves once other nodes know that the connections are gone. All of them are closed before the call. */
  close(): Promise<void>;
}

/** The name of the method that attaches a handler. */
export const ATTACH: unique symbol = Symbol("express-session-stack.attach");

/** An argument of `wsSessions.attach`, such as the result of `realtime()`. */
export interface Attachable {
  /**
   * Creates the handler. `wsSessions.attach` calls it once, with the keeper of the connections' sessions.
   *
   * @hidden
   */
  [ATTACH](keeper: SessionKeeper): ConnectionHandler;
}

/** Checks an argument of `attach`. @throws {TypeError} for a value that cannot be attached. */
export function checkAttachable(attachable: Attachable): void {
  if (typeof attachable?.[ATTACH] === "function") return;
  refuseOtherCopy(attachable, "webSocketSessions: attach");
  throw new TypeError("webSocketSessions: attach takes what realtime() returns, as attach(realtime())");
}
