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

/**
 * The result of an accepted handshake. It has no bound connection if the session is not stored, because nobody can end
 * that.
 */
export interface Admission {
  readonly open: OpenSession;
  readonly connection: BoundConnection | undefined;
  /** The place in the attached handler, if one is attached. */
  readonly seat: Seat | undefined;
  /** The async context that the middlewares have left. */
  readonly scope: AsyncScope | undefined;
}

/** A handshake on its way. */
export interface Arriving {
  readonly req: Request;
  readonly answer: Answer;
  readonly socket: Duplex;
  readonly place: Place;
  /** Whether the listeners need the current async context even without a middleware. */
  readonly keepsScope: boolean;
  /** Called with an error of the app when nobody waits for its step any more. */
  readonly report: (error: unknown) => void;
}

/**
 * Takes a handshake from its first check to the moment before its answer. Rejects with the reason of a refusal.
 *
 * It gives up at any step when the line drops, when a middleware answers, and after `handshakeTimeoutMs`.
 * The connection is bound before its session is read. A session that ended earlier is found gone, and a session that
 * ends later ends the connection. If anything was awaited since, the session is read again, because a program that
 * deletes it without this package sends no notice.
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
        // A node that has not joined would miss the session's end. It binds and reads the session again once it has joined.
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
        // A node that has not joined would miss the session's end.
        await limit.race(keeper.joinNodes());
        connection = connections.bind(record.session.id);
        if (!connection) throw tooMany("this session");
      }
      connections.watch(connection, cookieOf(record.session).expires?.getTime());
      let isOld = isLate || waits.includes(true) || connection.mayBeOthers(record.userId);
      do {
        // The former seat is of the user before the session was read again.
        (await seating)?.giveUp();
        connections.bindTo(connection, record.userId);
        // Both calls share a round trip. From here on, listing the user's connections or ending the sessions finds this one.
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
    // The handler may still be admitting it.
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

/** The error for a request without a session: the store is disconnected, or the cookie's path does not cover this one. */
function noSession(isStoreReady: boolean): Error {
  return isStoreReady
    ? new TypeError("The session's cookie.path does not cover the path of the WebSocket")
    : new Refusal(503, "The session store is disconnected", { "Retry-After": "1" });
}

/** Calls `authorize`, if there is one. Resolves to whether it returned a promise. @throws {Refusal} if it says no. */
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
