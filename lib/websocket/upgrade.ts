import type { Duplex } from "node:stream";
import type { Request, RequestHandler, Response } from "express";
import type { BoundConnection } from "../connections/bound-connection.ts";
import type { SessionConnections } from "../connections/session-connections.ts";
import { sessionDeleted } from "../errors.ts";
import { beforeHead } from "../middleware/before-head.ts";
import { isCookieMiddleware } from "../middleware/cookie.ts";
import type { OpenSession } from "../middleware/open-session.ts";
import { runMiddlewares, type StackParts } from "../middleware/stack.ts";
import { cookieOf } from "../sessions/session-cookie.ts";
import type { Answer } from "./answer.ts";
import type { ConnectionHandler, Seat } from "./connection-handler.ts";
import { giveUpLimit, type Limit } from "./give-up-limit.ts";
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
 * Gives up, wherever it is, when the line drops, when a middleware answers by itself, and after `handshakeTimeoutMs`.
 * The connection is bound before its session is read: a session that ends before that is found gone, and one that ends
 * after it ends the connection. If anything was waited for since, the session is read again: who deletes it without
 * this package tells nobody.
 */
export async function admit(
  { before, after, keeper }: StackParts,
  config: WebSocketConfig,
  connections: SessionConnections,
  handler: ConnectionHandler | undefined,
  { req, answer, socket }: { req: Request; answer: Answer; socket: Duplex },
): Promise<Admission> {
  const limit = giveUpLimit(config.handshakeTimeoutMs, socket, answer);
  let connection: BoundConnection | undefined;
  let seating: Promise<Seat | undefined> | undefined;
  try {
    checkHandshake(req);
    if (!isOriginAllowed(req, config.origins)) throw new Refusal(403, "Origin not allowed");
    await passed(run(before, req, answer), limit);
    const opening = keeper.open(req, (sid) => {
      // A node that has not joined would not hear of the session's end, and reads it again once it has.
      if (keeper.hasJoinedNodes) connection = connections.bind(sid);
    });
    if (!opening) throw noSession(keeper.isStoreReady);
    const open = opening instanceof Promise ? await limit.race(opening) : opening;
    answer.whenMade((res) => beforeHead(res, () => open.sendCookie(res, { willSave: false })));
    // Whether anything was waited for.
    const waits = [
      await passed(run(after, req, answer), limit),
      await authorized(config, req, answer, limit),
    ];
    const { record } = open;
    if (!record) throw sessionDeleted();
    if (!record.isStored || connection?.sid !== record.session.id) {
      if (connection) connections.release(connection);
      connection = undefined;
    }
    if (record.isStored) {
      const isLate = !connection;
      if (!connection) {
        // A node that nobody reaches would not hear of the session's end.
        await limit.race(keeper.joinNodes());
        connection = connections.bind(record.session.id);
        if (!connection) throw tooMany("this session");
      }
      connections.watch(connection, cookieOf(record.session).expires?.getTime());
      let isOld = isLate || waits.includes(true) || connection.mayBeOthers(record.userId);
      do {
        // Of the user that it was until the session was read again.
        (await seating)?.giveUp();
        connection.bindTo(record.userId);
        // In the same round trip: who ends the user's sessions, or asks for the user's connections, finds it from here on.
        seating = handler?.admit({ req, open, userId: connection.userId });
        if (isOld) await limit.race(Promise.all([seating, record.update()]));
        else if (seating) await limit.race(seating);
        isOld = true;
      } while (record.userId !== connection.userId || connection.mayBeOthers(record.userId));
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

/** An `authorize` that asks for no response, which then need not be made. */
type OnRequest = (req: Request) => unknown;

function tooMany(whose: string): Refusal {
  return new Refusal(429, `Too many connections of ${whose}`, { "Retry-After": "60" });
}

/** The store has said that it is disconnected; or the session's cookie never comes with this path. */
function noSession(isStoreReady: boolean): Error {
  return isStoreReady
    ? new TypeError("The session's cookie.path does not cover the path of the WebSocket")
    : new Refusal(503, "The session store is disconnected", { "Retry-After": "1" });
}

/** The response that a cookieMiddleware is given: it need not be made for that. */
const UNUSED = {} as Response;

/**
 * Runs middlewares; answers with a promise unless all have gone on at once. One that does not go on has answered by
 * `res`, or never will.
 */
function run(
  middlewares: readonly RequestHandler[],
  req: Request,
  answer: Answer,
): Promise<void> | undefined {
  if (middlewares.length === 0) return undefined;
  const res = middlewares.every(isCookieMiddleware) ? UNUSED : answer.res;
  let hasPassed = false;
  const passing = new Promise<void>((resolve, reject) => {
    runMiddlewares(middlewares, req, res, (error) => {
      if (error) {
        reject(error);
        return;
      }
      hasPassed = true;
      resolve();
    });
  });
  return hasPassed ? undefined : passing;
}

/** Waits for middlewares, if need be. Answers whether it was. */
async function passed(running: Promise<void> | undefined, limit: Limit): Promise<boolean> {
  if (!running) return false;
  await limit.race(running);
  return true;
}

/** Asks `authorize`, if there is one. Answers whether it was waited for. @throws {Refusal} if it says no. */
async function authorized(
  { authorize }: WebSocketConfig,
  req: Request,
  answer: Answer,
  limit: Limit,
): Promise<boolean> {
  if (!authorize) return false;
  const answering = authorize.length === 1 ? (authorize as OnRequest)(req) : authorize(req, answer.res);
  const isAllowed = isPromise(answering) ? await limit.race(answering) : answering;
  if (isAllowed) return isPromise(answering);
  const status = answer.made?.statusCode ?? 0;
  throw new Refusal(status >= 400 ? status : 403, "Not authorized");
}

function isPromise(answer: unknown): answer is Promise<unknown> {
  return typeof (answer as Promise<unknown> | undefined)?.then === "function";
}
