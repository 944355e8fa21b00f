import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import createDebug from "debug";
import express, { type Request } from "express";
import type { WebSocket } from "ws";
import { SessionConnections } from "../connections/session-connections.ts";
import { sessionDeleted } from "../errors.ts";
import { ATTACH, type Attachable, type ConnectionHandler, checkAttachable } from "../lines/attachable.ts";
import { partsOf, type SessionStack } from "../middleware/stack.ts";
import { ErrorEvents, type ErrorListener } from "../observability/error-events.ts";
import { type MetricsRegister, registerMetrics } from "../observability/metrics.ts";
import type { WebSocketStats } from "../observability/web-socket-stats.ts";
import { checkListening } from "../options/listening.ts";
import { isRequest, refuseCall } from "../options/uncalled.ts";
import { type Guest, GuestConnections } from "./admission/guest-connections.ts";
import { isAtPath } from "./admission/path-rule.ts";
import { type Place, Places } from "./admission/places.ts";
import { destroyIt, Refusal, refusalOf, refuse } from "./admission/refusal.ts";
import { drain } from "./drain.ts";
import { follow } from "./follow.ts";
import { followUsers } from "./follow-users.ts";
import { Acceptor } from "./handshake/acceptor.ts";
import { asksForWebSocket } from "./handshake/handshake.ts";
import { leaveToServer } from "./handshake/leave-to-server.ts";
import { chosenProtocol } from "./handshake/subprotocol.ts";
import { type Admission, type Arriving, admit } from "./handshake/upgrade.ts";
import { UpgradeListener } from "./handshake/upgrade-listeners.ts";
import { expressUpgrade, releaseAnswer } from "./handshake/upgrade-request.ts";
import { joinNodes } from "./join-nodes.ts";
import type { SessionWebSocket } from "./session-web-socket.ts";
import { WebSocketCounts } from "./web-socket-counts.ts";
import {
  type CloseOptions,
  type ConnectionListener,
  closeOptions,
  type WebSocketSessionsOptions,
  webSocketConfig,
} from "./web-socket-options.ts";

/** WebSocket connections that share their session with HTTP. */
export interface WebSocketSessions {
  /** The listener for a server's `upgrade` event; bound, and never throws. */
  readonly handleUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** The open connections of this node. */
  readonly connections: ReadonlySet<WebSocket>;
  /** Listens for connections that have opened. `req.session` is the connection's session, and is saved only by `save()`. */
  on(event: "connection", listener: ConnectionListener): this;
  /** Listens for errors of handshakes and connections. Without a listener they are process warnings. */
  on(event: "error", listener: ErrorListener): this;
  /** Stops listening. */
  off(event: "connection", listener: ConnectionListener): this;
  /** Stops listening. */
  off(event: "error", listener: ErrorListener): this;
  /**
   * Adds a handler, such as `realtime()`, for all connections that open from now on.
   *
   * @throws {TypeError} if there is a handler already, or if this one is attached elsewhere.
   */
  attach(handler: Attachable): this;
  /** Figures of this node. */
  stats(): WebSocketStats;
  /**
   * Adds the figures of this node and of realtime to a register of prom-client, an optional peer. The register reads them
   * when it is scraped. Resolves once they are added. One register sums the figures of several `webSocketSessions`. A
   * second call for the same register does nothing.
   */
  metrics(register: MetricsRegister): Promise<void>;
  /** Refuses new handshakes with 503, closes the connections with 1012, and resolves when all are closed. */
  close(options?: CloseOptions): Promise<void>;
}

const debug = createDebug("express-session-stack:websocket");
const BAD_REQUEST = 400;
const LISTEN =
  'write server.on("upgrade", wsSessions.handleUpgrade), with wsSessions = webSocketSessions(sessionStack)';

/**
 * Gives upgraded connections the session of their cookie, and closes them when it ends.
 *
 * @throws {TypeError} that names the option which is wrong.
 */
export function webSocketSessions(
  sessionStack: SessionStack,
  options?: WebSocketSessionsOptions,
): WebSocketSessions;
export function webSocketSessions(...given: [SessionStack, WebSocketSessionsOptions?]): unknown {
  if (isRequest(given[0]))
    return refuseCall(`webSocketSessions: it was passed as a listener itself; ${LISTEN}`, given);
  const parts = partsOf(given[0], "webSocketSessions");
  const config = webSocketConfig(given[1]);
  const { app = express() } = config;
  const errors = new ErrorEvents();
  const listeners = new Set<ConnectionListener>();
  const connections = new Set<SessionWebSocket>();
  const { store, node } = parts.keeper.config;
  let handler: ConnectionHandler | undefined;
  const sessions = new SessionConnections(store, config);
  const guests = new GuestConnections(parts.keeper);
  const counts = new WebSocketCounts();
  const places = new Places(config, connections);
  const acceptor = new Acceptor(config);
  const isMine = (message: IncomingMessage) => isAtPath(message, config.path);

  function handleUpgrade(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (typeof head === "function") {
      refuseCall(`webSocketSessions: handleUpgrade is no middleware; ${LISTEN}`, [message, socket, head]);
      return;
    }
    place.receive(message, socket, () => {
      if (!asksForWebSocket(message) && leaveToServer(message, socket, head)) return;
      // This comes first: an error of the line without a listener would end the process.
      socket.on("error", destroyIt);
      upgrade(message, socket, head).catch((error) => {
        // The refusal could not be sent. The line ends, and the process goes on.
        socket.destroy();
        errors.report(error, message as Request);
      });
    });
  }

  async function upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { req, answer } = expressUpgrade(app, message, socket);
    // A handshake behind a request that is not answered yet is not possible.
    if (answer.isLineTaken) return void socket.destroy();
    const report = (error: unknown) => errors.report(error, req);
    const keepsScope = !place.isCalledByServer(message, socket);
    let taken: Place | undefined;
    try {
      if (!isMine(message)) throw new Refusal(404, "Not Found");
      taken = places.enter();
      const arriving: Arriving = { req, answer, socket, place: taken, keepsScope, report };
      const admission = await admit(parts, config, sessions, handler, arriving);
      const enter: (opening: () => void) => void = admission.scope ?? ((opening) => opening());
      enter(() => complete(admission, arriving, head));
    } catch (error) {
      await parts.keeper.verifyCookie(req);
      if (!answer.made?.headersSent && place.isAnsweredElsewhere(message, socket)) return;
      const { res } = answer;
      const refusal = refusalOf(error);
      counts.handshakes.add(res.headersSent ? res.statusCode : refusal.status);
      const { status, detail = () => refusal.message } = refusal;
      if (debug.enabled) debug("refused with %d: %s", status, detail());
      if (!(error instanceof Refusal) && status >= 500) report(error);
      refuse(res, refusal);
    } finally {
      taken?.end();
    }
  }

  /** Answers an admitted handshake. It is synchronous, so nothing can change on the way. */
  function complete(
    { open, connection, seat, scope }: Admission,
    { req, answer, socket, place: taken }: Arriving,
    head: Buffer,
  ): void {
    let opened: SessionWebSocket | undefined;
    let guest: Guest | undefined;
    try {
      places.refuseIfClosed();
      // A response that authorize has begun is a refusal, whatever authorize has returned.
      if (answer.made?.headersSent) throw new Refusal(answer.made.statusCode, "Answered by authorize");
      // The session may have ended since its last check.
      if (connection?.hasEnded) throw sessionDeleted();
      if (place.isAnsweredElsewhere(req, socket)) throw new Refusal(400, "Answered by somebody else");
      const protocol = chosenProtocol(config, req);
      const res = open.isCookieDue({ willSave: false }) ? answer.res : answer.made;
      open.sendCookie(res, { willSave: false });
      if (!connection) guest = guests.know(open, req);
      const cookieLines = [...answer.handOver(), ...(guest?.setCookies ?? [])];
      opened = acceptor.accept({ req, socket }, head, { cookieLines, protocol });
    } finally {
      if (!opened) {
        if (connection) sessions.release(connection);
        seat?.giveUp();
      }
    }
    if (!opened) {
      // ws has refused the handshake, for a header that only ws reads.
      counts.handshakes.add(BAD_REQUEST);
      return;
    }
    // The connection outlives its handshake by hours, so objects of the handshake are released.
    releaseAnswer(req);
    follow(opened, req, { connection, scope }, { connections, counts, sessions, errors });
    if (guest) guests.add(opened, guest);
    taken.open(opened);
    try {
      seat?.open(opened);
    } catch (error) {
      opened.fail(error);
    }
    for (const listener of listeners) tell(listener, opened, req);
  }

  function tell(listener: ConnectionListener, ws: SessionWebSocket, req: Request): void {
    const told = async () => listener(ws, req);
    told().catch((error) => ws.fail(error));
  }

  async function close(options?: CloseOptions): Promise<void> {
    const { drainMs = 0 } = closeOptions(options);
    places.close();
    await drain(connections, drainMs);
    await handler?.close();
    sessions.close();
    guests.close();
    for (const undo of toUndo) undo();
  }

  function stats(): WebSocketStats {
    return counts.stats({ connections, anonymous: places.anonymous, revocations: sessions.revocations });
  }

  function attach(attachable: Attachable): WebSocketSessions {
    checkAttachable(attachable);
    if (handler) throw new TypeError("webSocketSessions: attach was called before; there is one handler");
    handler = attachable[ATTACH](parts.keeper);
    toUndo.push(followUsers(parts.keeper, sessions));
    return wsSessions;
  }

  function change(
    action: "on" | "off",
    event: "connection" | "error",
    listener: ConnectionListener | ErrorListener,
  ) {
    checkListening("webSocketSessions", ["connection", "error"], event, listener);
    if (event === "error") errors[action](listener as ErrorListener);
    else if (action === "on") listeners.add(listener as ConnectionListener);
    else listeners.delete(listener as ConnectionListener);
    return wsSessions;
  }

  const figures = { keeper: parts.keeper, webSocket: stats, realtime: () => handler?.stats };
  const wsSessions: WebSocketSessions = {
    handleUpgrade,
    connections,
    on: (event, listener) => change("on", event, listener),
    off: (event, listener) => change("off", event, listener),
    attach,
    stats,
    metrics: async (register) => registerMetrics(register, figures),
    close,
  };
  const place = new UpgradeListener(handleUpgrade, config.path, isMine, (error, req) =>
    errors.report(error, req as Request),
  );
  const toUndo = [joinNodes(node, sessions, () => handler === undefined)];
  return wsSessions;
}
