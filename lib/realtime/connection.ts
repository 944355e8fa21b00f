import type { Request } from "express";
import type { WebSocket } from "ws";
import type { ConnectionIdentity } from "../connections/connection-store.ts";
import type { ConnectionData } from "./data/connection-data.ts";
import type { EventDataArgument, EventMap, EventName } from "./messages/event-map.ts";

/** One open WebSocket, bound to one session, and to a user when the session has one. */
export interface Connection<ServerEvents extends EventMap<ServerEvents> = EventMap>
  extends ConnectionIdentity {
  /** The id of the connection's session. */
  readonly sid: string;
  /** The request of the handshake, with `req.session`. Only `save()` saves the session. */
  readonly req: Request;
  /** The WebSocket itself, an object of the ws package. */
  readonly ws: WebSocket;
  /** The groups that the connection is in. */
  readonly groups: ReadonlySet<string>;
  /** When the connection was opened: milliseconds since the epoch. */
  readonly connectedAt: number;
  /** When the user was last heard on this connection: milliseconds since the epoch. */
  readonly lastSeen: number;
  /** Data of this connection. */
  readonly store: ConnectionData;
  /**
   * Sends an event at the end of the tick, together with everything else that is due then. On a closed connection it
   * does nothing.
   *
   * @throws {RangeError} above 16 MiB, or `maxBufferedBytes` if that is more
   */
  send<Type extends EventName<ServerEvents>>(
    type: Type,
    ...data: EventDataArgument<ServerEvents, Type>
  ): void;
  /**
   * Puts the user into a group, on all devices. A connection without a user only puts itself into the group, for as
   * long as it is open. Rejects as `realtime().join` does.
   */
  join(group: string): Promise<void>;
  /** Takes the user out of a group. A connection without a user only takes itself out. */
  leave(group: string): Promise<void>;
  /**
   * Closes the connection after it has sent all earlier messages. The default code is 1000.
   *
   * @throws {TypeError | RangeError} for a code or reason that no close can have
   */
  close(code?: number, reason?: string): void;
}

/** The code and reason of a close, from the side that closed first. */
export interface Closed {
  /** The close code (RFC 6455, section 7.4). It is one of `closeCodes`, or another. */
  readonly code: number;
  /** The reason that was sent with the code. It is empty if there was none. */
  readonly reason: string;
}
