import type { Request } from "express";
import type { WebSocket } from "ws";
import type { ConnectionIdentity } from "../connections/connection-store.ts";
import type { ConnectionData } from "./data/connection-data.ts";
import type { EventDataArgument, EventMap, EventName } from "./messages/event-map.ts";

/** One open WebSocket, bound to one session, and to a user when the session has one. */
export interface Connection<ServerEvents extends EventMap<ServerEvents> = EventMap>
  extends ConnectionIdentity {
  /** The id of its session. */
  readonly sid: string;
  /** The request of the handshake, with `req.session`, which is saved only by `save()`. */
  readonly req: Request;
  /** The WebSocket itself, of ws. */
  readonly ws: WebSocket;
  /** The groups it is in. */
  readonly groups: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
  /** When its user was last heard: milliseconds since the epoch. */
  readonly lastSeen: number;
  /** Data of this connection. */
  readonly store: ConnectionData;
  /** Sends an event with all else that is due at the end of the tick; on a closed connection it does nothing. @throws {RangeError} above 16 MiB, or `maxBufferedBytes` if that is more */
  send<Type extends EventName<ServerEvents>>(
    type: Type,
    ...data: EventDataArgument<ServerEvents, Type>
  ): void;
  /** Puts the user into a group, on all devices; a connection without a user only itself, for as long as it is open. Rejects as `realtime().join` does. */
  join(group: string): Promise<void>;
  /** Takes the user, or a connection without one, out of a group. */
  leave(group: string): Promise<void>;
  /** Closes, after what was sent, by default with 1000. @throws {TypeError | RangeError} for a code or reason that no close can have */
  close(code?: number, reason?: string): void;
}

/** How a connection was closed, by whichever side was the first. */
export interface Closed {
  /** The close code (RFC 6455, section 7.4): that of `closeCodes`, or another. */
  readonly code: number;
  /** The reason sent with it; empty if there was none. */
  readonly reason: string;
}
