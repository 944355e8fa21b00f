import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import createDebug from "debug";
import express, { type Request } from "express";
import { type WebSocket, WebSocketServer } from "ws";
import { SessionConnections } from "../connections/session-connections.ts";
import { ErrorEvents, type ErrorListener } from "../error-events.ts";
import { sessionDeleted } from "../errors.ts";
import { pathnameOf } from "../middleware/pathname-of.ts";
import { partsOf, type SessionStack } from "../middleware/stack.ts";
import { type MetricsRegister, registerMetrics } from "../observability/metrics.ts";
import { isRequest, refuseCall } from "../options/uncalled.ts";
import type { Answer } from "./answer.ts";
import { ATTACH, type Attachable, type ConnectionHandler } from "./connection-handler.ts";
import { drain } from "./drain.ts";
import { follow } from "./follow.ts";
import { followUsers } from "./follow-users.ts";
import { type Guest, GuestConnections } from "./guest-connections.ts";
import { destroyIt, Refusal, refusalOf, refuse } from "./refusal.ts";
import { SessionWebSocket } from "./session-web-socket.ts";
import { type Admission, admit } from "./upgrade.ts";
import { isOursToRefuse, registerHandler } from "./upgrade-listeners.ts";
import { expressUpgrade, releaseAnswer } from "./upgrade-request.ts";
import {
  type CloseOptions,
  type ConnectionListener,
  closeOptions,
  type WebSocketSessionsOptions,
  webSocketConfig,
} from "./web-socket-options.ts";
import { WebSocketCounts, type WebSocketStats } from "./web-socket-stats.ts";

/** WebSocket connections that share their session with HTTP. */
export interface WebSocketSessions {
  /** The listener for a server's `upgrade` event; bound, and never throws. */
  readonly handleUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** The open connections of this node. */
  readonly connections: ReadonlySet<WebSocket>;
  /** Listens for connections that have opened: `req.session` is theirs, and is saved only by `save()`. */
  on(event: "connection", listener: ConnectionListener): this;
  /** Listens for what failed on a handshake or connection. Unheard, it is a process warning. */
  on(event: "error", listener: ErrorListener): this;
  /** Stops listening. */
  off(event: "connection", listener: ConnectionListener): this;
  /** Stops listening. */
  off(event: "error", listener: ErrorListener): this;
  /**
   * Adds a handler, such as `realtime()`, that all connections from now on go through as well.
   *
   * @throws {TypeError} if there is one already, or if it is attached elsewhere.
   */
  attach(handler: Attachable): this;
  /** Figures of this node. */
  stats(): WebSocketStats;
  /**
   * Puts the figures of this node, those of realtime too, into a register of prom-client, an optional peer, which reads
   * them when it is scraped. Resolves once they are there.
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
  const app = config.app ?? express();
  const errors = new ErrorEvents();
  const listeners = new Set<ConnectionListener>();
  const connections = new Set<SessionWebSocket>();
  const { store, node } = parts.keeper.config;
  let handler: ConnectionHandler | undefined;
  const sessions = new SessionConnections(store, config);
  const guests = new GuestConnections(parts.keeper);
  const counts = new WebSocketCounts();
  let isDraining = false;

  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: config.maxPayload,
    perMessageDeflate: config.perMessageDeflate,
    WebSocket: SessionWebSocket as unknown as typeof WebSocket,
  });
  /** Of the handshake that ws is answering, which it does in one turn. */
  let cookieLines: readonly string[] = [];
  wss.on("headers", (headers) => {
    // One line each: browsers do not take cookies apart that are joined by commas (RFC 6265, section 3).
    for (const line of cookieLines) headers.push(`Set-Cookie: ${line}`);
  });

  const isMine = ({ url = "/" }: IncomingMessage) =>
    config.path === undefined || pathnameOf(url) === config.path;

  function handleUpgrade(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (typeof head === "function") {
      // Of Express, which calls it as a middleware.
      refuseCall(`webSocketSessions: handleUpgrade is no middleware; ${LISTEN}`, [message, socket, head]);
      return;
    }
    // Before anything else: an error of the line that nobody listens for would end the process.
    socket.on("error", destroyIt);
    if (!isMine(message) && !isOursToRefuse(handleUpgrade, message)) return;
    upgrade(message, socket, head).catch((error) => {
      // Not even the refusal could be sent: the line ends, and never the process.
      socket.destroy();
      errors.report(error, message as Request);
    });
  }

  async function upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { req, answer } = expressUpgrade(app, message, socket);
    if (answer.isLineTaken) {
      // No handshake follows a request that is not answered yet.
      socket.destroy();
      return;
    }
    try {
      if (!isMine(message)) throw new Refusal(404, "Not Found");
      refuseIfDraining();
      const admission = await admit(parts, config, sessions, handler, { req, answer, socket });
      complete(admission, { req, answer, socket, head });
    } catch (error) {
      const { res } = answer;
      const refusal = refusalOf(error);
      counts.handshakes.add(res.headersSent ? res.statusCode : refusal.status);
      debug("refused with %d: %s", refusal.status, refusal.message);
      if (!(error instanceof Refusal) && refusal.status >= 500) errors.report(error, req);
      refuse(res, refusal);
    }
  }

  /** Answers a handshake that is let in. Nothing is waited for here, so nothing can change on the way. */
  function complete(
    { open, connection, seat }: Admission,
    { req, answer, socket, head }: { req: Request; answer: Answer; socket: Duplex; head: Buffer },
  ): void {
    let opened: SessionWebSocket | undefined;
    let guest: Guest | undefined;
    try {
      refuseIfDraining();
      // Told to send something itself, the response has refused, whatever authorize has returned.
      if (answer.made?.headersSent) throw new Refusal(answer.made.statusCode, "Answered by authorize");
      // Between its last check and this moment the session may have ended.
      if (connection?.hasEnded) throw sessionDeleted();
      const res = open.isCookieDue({ willSave: false }) ? answer.res : answer.made;
      open.sendCookie(res, { willSave: false });
      if (!connection) guest = guests.know(open, req);
      cookieLines = [...answer.handOver(), ...(guest?.setCookies ?? [])];
      wss.handleUpgrade(req, socket, head, (ws) => {
        opened = ws as SessionWebSocket;
      });
    } finally {
      if (!opened) {
        if (connection) sessions.release(connection);
        seat?.giveUp();
      }
    }
    if (!opened) {
      // ws has refused it, for a header that only it reads.
      counts.handshakes.add(BAD_REQUEST);
      return;
    }
    // The connection outlives its handshake by hours: nothing keeps what was only needed for that.
    releaseAnswer(req);
    follow(opened, req, connection, { connections, counts, sessions, errors });
    if (guest) guests.add(opened, guest);
    seat?.open(opened);
    for (const listener of listeners) tell(listener, opened, req);
  }

  function tell(listener: ConnectionListener, ws: SessionWebSocket, req: Request): void {
    const told = async () => listener(ws, req);
    told().catch((error) => ws.fail(error));
  }

  function refuseIfDraining(): void {
    if (isDraining) throw new Refusal(503, "This node is shutting down", { "Retry-After": "1" });
  }

  async function close(options?: CloseOptions): Promise<void> {
    const { drainMs = 0 } = closeOptions(options);
    isDraining = true;
    await drain(connections, drainMs);
    await handler?.close();
    sessions.close();
    guests.close();
  }

  function stats(): WebSocketStats {
    return counts.stats(connections, sessions.revocations);
  }

  function attach(attachable: Attachable): WebSocketSessions {
    if (typeof attachable?.[ATTACH] !== "function")
      throw new TypeError("webSocketSessions: attach takes what realtime() returns, as attach(realtime())");
    if (handler) throw new TypeError("webSocketSessions: attach was called before; there is one handler");
    handler = attachable[ATTACH](parts.keeper);
    followUsers(parts.keeper, sessions);
    return wsSessions;
  }

  function change(
    action: "on" | "off",
    event: "connection" | "error",
    listener: ConnectionListener | ErrorListener,
  ) {
    if (event === "error") errors[action](listener as ErrorListener);
    else if (action === "on") listeners.add(listener as ConnectionListener);
    else listeners.delete(listener as ConnectionListener);
    return wsSessions;
  }

  const wsSessions: WebSocketSessions = {
    handleUpgrade,
    connections,
    on: (event, listener) => change("on", event, listener),
    off: (event, listener) => change("off", event, listener),
    attach,
    stats,
    metrics: (register) =>
      registerMetrics(register, { keeper: parts.keeper, webSocket: stats, realtime: () => handler?.stats }),
    close,
  };
  // What Node calls it where it is no listener: server.on("upgrade", wsSessions).
  Object.defineProperty(wsSessions, "constructor", { value: { name: `WebSocketSessions; ${LISTEN}` } });
  registerHandler(handleUpgrade, isMine);
  node.onGap(() => sessions.revalidateAll());
  // So that the first handshake does not wait for it; if it fails, that one tries again.
  node.join().catch(() => {});
  return wsSessions;
}
