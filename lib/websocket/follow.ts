import createDebug from "debug";
import type { Request } from "express";
import { closeCodes } from "../close-codes.ts";
import type { BoundConnection } from "../connections/bound-connection.ts";
import type { SessionConnections } from "../connections/session-connections.ts";
import { isSessionDeleted } from "../errors.ts";
import type { ErrorEvents } from "../observability/error-events.ts";
import type { AsyncScope } from "./async-scope.ts";
import type { Keeper, SessionWebSocket } from "./session-web-socket.ts";
import type { WebSocketCounts } from "./web-socket-counts.ts";

/** What the connections of a node have in common. */
interface Common {
  readonly connections: Set<SessionWebSocket>;
  readonly counts: WebSocketCounts;
  readonly sessions: SessionConnections;
  readonly errors: ErrorEvents;
}

const debug = createDebug("express-session-stack:websocket");
const SWITCHING_PROTOCOLS = 101;

/** An error in a listener of the app (RFC 6455, section 7.4.1). */
const INTERNAL_ERROR = 1011;

/** Looks after a connection that has opened. */
export function follow(
  ws: SessionWebSocket,
  req: Request,
  { connection, scope }: { connection: BoundConnection | undefined; scope: AsyncScope | undefined },
  { connections, counts, sessions, errors }: Common,
): void {
  connections.add(ws);
  counts.handshakes.add(SWITCHING_PROTOCOLS);
  debug("opened, %d open", connections.size);
  const keeper: Keeper = {
    onClosed(code) {
      counts.closed(code, ws.wasEndedHere);
      debug("closed with %d, %d open", code, connections.size - 1);
      connections.delete(ws);
      if (connection) sessions.release(connection);
    },
    onFailure(error) {
      if (!isSessionDeleted(error)) {
        ws.end(INTERNAL_ERROR, "internal_error");
        errors.report(error, req);
      } else if (!connection?.hasEnded) {
        ws.end(closeCodes.session_ended, "session_ended");
      }
    },
  };
  ws.keep(keeper, scope);
  connection?.open(ws);
}
