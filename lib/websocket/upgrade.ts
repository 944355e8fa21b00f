import type { Duplex } from "node:stream";
import type { Request, RequestHandler, Response } from "express";
import type { BoundConnection } from "../connections/bound-connection.ts";
import type { SessionConnections } from "../connections/session-connections.ts";
import { sessionDeleted } from "../errors.ts";
import { beforeHead } from "../middleware/before-head.ts";
import type { OpenSession } from "../middleware/open-session.ts";
import { runMiddlewares, type StackParts } from "../middleware/stack.ts";
import type { ConnectionHandler, Seat } from "./connection-handler.ts";
import { checkHandshake } from "./handshake.ts";
import { isOriginAllowed } from "./origin.ts";
import { Refusal } from "./refusal.ts";
import type { WebSocketConfig } from "./web-socket-options.ts";

/** What a handshake is let in with. A session that is not stored has nobody who could end it. */
export interface Admission {
  readonly open: OpenSession;
  readonly connection: BoundConnection | undefined;
  /** With the handler that is attached, if one is. */
  readonly seat: Seat | undefined;
}

/**
 * Takes a handshake from its first check to the moment before its answer. Rejects with why it is refused.
 *
 * Gives up, wherever it is, when the line drops, when a middleware answers by itself, and after
 * `handshakeTimeoutMs`. The connection is bound before its session is read for the second time: a session
 * that ends before that is found gone, and one that ends after it ends the connection.
 */
export async function admit(
  { before, after, keeper }: StackParts,
  config: WebSocketConfig,
  connections: SessionConnections,
  handler: ConnectionHandler | undefined,
  { req, res, socket }: { req: Request; res: Response; socket: Duplex },
): Promise<Admission> {
  const limit = giveUpLimit(config.handshakeTimeoutMs, socket, res);
  let connection: BoundConnection | undefined;
  let seating: Promise<Seat | undefined> | undefined;
  try {
    checkHandshake(req);
    if (!isOriginAllowed(req, config.origins)) throw new Refusal(403, "Origin not allowed");
    await limit.race(run(before, req, res));
    const open = await limit.race(Promise.resolve(keeper.open(req)));
    if (!open) throw noSession(keeper.isStoreReady);
    beforeHead(res, () => open.sendCookie(res, { willSave: false }));
    await limit.race(run(after, req, res));
    if (config.authorize) {
      const isAllowed = await limit.race(Promise.resolve(config.authorize(req, res)));
      if (!isAllowed) throw new Refusal(res.statusCode >= 400 ? res.statusCode : 403, "Not authorized");
    }
    const { record } = open;
    if (!record) throw sessionDeleted();
    if (record.isStored) {
      // A node that nobody reaches would not hear of the session's end.
      await limit.race(keeper.joinNodes());
      connection = connections.bind(record.session.id, record.session.cookie.expires?.getTime());
      if (!connection) throw tooMany("this session");
      do {
        // Of the user that it was until the session was read again.
        (await seating)?.giveUp();
        connection.userId = record.userId;
        // In the same round trip: who ends the user's sessions, or asks for the user's connections, finds it from here on.
        seating = handler?.admit({ req, open, userId: connection.userId });
        await limit.race(Promise.all([seating, record.update()]));
      } while (record.userId !== connection.userId);
      if (connection.hasEnded) throw sessionDeleted();
    } else {
      seating = handler?.admit({ req, open, userId: undefined });
    }
    const seat = await seating;
    if (handler && !seat) throw tooMany("this user");
    return { open, connection, seat };
  } catch (error) {
    if (connection) connections.release(connection);
    // It may still be on its way.
    seating?.then(
      (seat) => seat?.giveUp(),
      () => {},
    );
    throw error;
  } finally {
    limit.clear();
  }
}

function tooMany(whose: string): Refusal {
  return new Refusal(429, `Too many connections of ${whose}`, { "Retry-After": "60" });
}

/** The store has said that it is disconnected; or the session's cookie never comes with this path. */
function noSession(isStoreReady: boolean): Error {
  return isStoreReady
    ? new TypeError("The session's cookie.path does not cover the path of the WebSocket")
    : new Refusal(503, "The session store is disconnected", { "Retry-After": "1" });
}

/** Runs middlewares as a promise; each that does not go on has answered by `res`, or never will. */
function run(middlewares: readonly RequestHandler[], req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    runMiddlewares(middlewares, req, res, (error) => (error ? reject(error) : resolve()));
  });
}

/** Ends the waiting for a step once nobody waits for the handshake any more. */
function giveUpLimit(timeoutMs: number, socket: Duplex, res: Response) {
  let giveUp: (reason: Refusal) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  givenUp.catch(() => {});
  const onClose = () => giveUp(new Refusal(400, "The client has gone"));
  const onAnswered = () => giveUp(new Refusal(res.statusCode, "Answered by a middleware"));
  const timer = setTimeout(
    () => giveUp(new Refusal(503, "The handshake took too long", { "Retry-After": "1" })),
    timeoutMs,
  );
  socket.once("close", onClose);
  res.once("finish", onAnswered);
  return {
    race<T>(step: Promise<T>): Promise<T> {
      return Promise.race([step, givenUp]);
    },
    clear(): void {
      clearTimeout(timer);
      socket.off("close", onClose);
      res.off("finish", onAnswered);
    },
  };
}
