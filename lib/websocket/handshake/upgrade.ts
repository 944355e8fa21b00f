import type { Duplex } from "node:stream";
import type { Request } from "express";
import type { BoundConnection } from "../../connections/bound-connection.ts";
import type { SessionConnections } from "../../connections/session-connections.ts";
import { sessionDeleted } from "../../errors.ts";
import type { ConnectionHandler, Seat } from "../../lines/attachable.ts";
import type { OpenSession } from "../../middleware/open-session.ts";
import { beforeHead } from "../../middleware/response/before-head.ts";
import type { StackParts } from "../../middleware/stack.ts";
import { cookieOf } from "../../sessions/data/session-cookie.ts";
import type { Answer } from "../admission/answer.ts";
import { giveUpLimit, type Limit } from "../admission/give-up-limit.ts";
import { checkOrigin } from "../admission/origin.ts";
import type { Place } from "../admission/places.ts";
import { Refusal } from "../admission/refusal.ts";
import type { AsyncScope } from "../async-scope.ts";
import type { WebSocketConfig } from "../web-socket-options.ts";
import { checkHandshake } from "./handshake.ts";
import { lazyResponse } from "./lazy-response.ts";
import { Passage } from "./passage.ts";

/** The result of an accepted handshake. A session that is not stored has no connection bound to it, since nobody can end it. */
export interface Admission {
  readonly open: OpenSession;
  readonly connection: BoundConnection | undefined;
  /** With the handler that is attached, if one is. */
  readonly seat: Seat | undefined;
  /** The async context in which it has passed the middlewares. */
  readonly scope: AsyncScope | undefined;
}

/** A handshake on its way. */
export interface Arriving {
  readonly req: Request;
  readonly answer: Answer;
  readonly socket: Duplex;
  readonly place: Place;
  /** Whether its listeners may have an async context without any middleware. */
  readonly keepsScope: boolean;
  /** Called with what fails of the app when nobody waits for it any more. */
  readonly report: (error: unknown) => void;
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
  { req, answer, socket, place, keepsScope, report }: Arriving,
): Promise<Admission> {
  const limit = giveUpLimit(config.handshakeTimeoutMs, socket, answer);
  const passage = new Passage({ req, answer, limit, keepsScope, report });
  let connection: BoundConnection | undefined;
  let seating: Promise<Seat | undefined> | undefined;
  try {
    checkHandshake(req);
    checkOrigin(req, config.origins);
    await passage.through(before);
    const opening = passage.call(() =>
      keeper.open(req, (sid) => {
        place.of("session", sid);
        // A node that has not joined would not hear of the session's end, and reads it again once it has.
        if (keeper.hasJoinedNodes) connection = connections.bind(sid);
      }),
    );
    if (!opening) throw noSession(keeper.isStoreReady);
    const open = opening instanceof Promise ? await limit.race(opening) : opening;
    if (open.record?.isStored && open.record.userId !== undefined) place.of("user", open.record.userId);
    if (!open.record?.isStored) place.beGuest();
    answer.whenMade((res) => beforeHead(res, () => open.sendCookie(res, { willSave: false })));
    // Whether anything was waited for.
    const waits = [
      await passage.through(after),
      await authorized(config, passage, { req, answer, limit, report }),
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
        connections.bindTo(connection, record.userId);
        // In the same round trip: who ends the user's sessions, or asks for the user's connections, finds it from here on.
        seating = handler?.admit({ req, open, userId: connection.userId });
        if (isOld) await limit.race(Promise.all([seating, record.update()]));
        else if (seating) await limit.race(seating);
        isOld = true;
      } while (record.userId !== connection.userId || connection.mayBeOthers(record.userId));
      if (connection.hasEnded) throw sessionDeleted();
    } else {
      place.beAnonymous();
      seating = handler?.admit({ req, open, userId: undefined });
    }
    const seat = await seating;
    if (handler && !seat) throw tooMany("this user");
    return { open, connection, seat, scope: passage.scope };
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

/** Asks `authorize`, if there is one. Answers whether it was waited for. @throws {Refusal} if it says no. */
async function authorized(
  { authorize }: WebSocketConfig,
  passage: Passage,
  { req, answer, limit, report }: Pick<Arriving, "req" | "answer" | "report"> & { limit: Limit },
): Promise<boolean> {
  if (!authorize) return false;
  const answering = passage.call(() => authorize(req, lazyResponse(answer)));
  const isAllowed = isPromise(answering) ? await limit.race(answering, report) : answering;
  if (isAllowed) return isPromise(answering);
  const status = answer.made?.statusCode ?? 0;
  throw new Refusal(status >= 400 ? status : 403, "Not authorized");
}

function isPromise(answer: unknown): answer is Promise<unknown> {
  return typeof (answer as Promise<unknown> | undefined)?.then === "function";
}
