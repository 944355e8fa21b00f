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

/** The place of one connection with a handler, until it is given up, or the connection that has opened is muted or closed. */
export interface Seat {
  /** The handshake was answered. Called before any message is heard. */
  open(line: Line): void;
  /** The handshake was refused after all. */
  giveUp(): void;
}

/** Takes part in the life of all connections, beside the app's own listeners. */
export interface ConnectionHandler {
  /** Takes a connection in before its handshake is answered; `undefined` if its user has as many as may be. */
  admit(candidate: Candidate): Promise<Seat | undefined>;
  /** Figures of this node. */
  readonly stats: RealtimeStats;
  /** Resolves once it is known elsewhere that the connections, all closed by now, are gone. */
  close(): Promise<void>;
}

/** How something that can be attached is attached. */
export const ATTACH: unique symbol = Symbol("express-session-stack.attach");

/** What `wsSessions.attach` takes, such as what `realtime()` returns. */
export interface Attachable {
  /**
   * Called once by `wsSessions.attach`, with the sessions that the connections will have.
   *
   * @hidden
   */
  [ATTACH](keeper: SessionKeeper): ConnectionHandler;
}

/** @throws {TypeError} for what cannot be attached. */
export function checkAttachable(attachable: Attachable): void {
  if (typeof attachable?.[ATTACH] === "function") return;
  refuseOtherCopy(attachable, "webSocketSessions: attach");
  throw new TypeError("webSocketSessions: attach takes what realtime() returns, as attach(realtime())");
}
