import type { Application, Request, Response } from "express";
import type { PerMessageDeflateOptions, WebSocket } from "ws";
import { optionsCheck } from "../options/options-check.ts";
import { over } from "../options/options-object.ts";
import { above0, aFunction, delay, delayOr0, limit, limitOr0, wholeNumber } from "../options/rule.ts";
import type { Origins } from "./admission/origin.ts";
import { originsRule } from "./admission/origins-rule.ts";
import { pathRule } from "./admission/path-rule.ts";
import { compressionRule } from "./handshake/compression-rule.ts";

/**
 * Called with a connection that has just opened. If the listener throws or rejects, the connection closes with 1011, or
 * with 4501 if the session's end is the cause.
 */
export type ConnectionListener = (ws: WebSocket, req: Request) => unknown;

/** Options of `wsSessions.close`. */
export interface CloseOptions {
  /** Milliseconds over which the closes are spread, so that clients do not all reconnect to another node at once. @default 0 */
  drainMs?: number;
}

/** Options of `webSocketSessions`. */
export interface WebSocketSessionsOptions {
  /** The path of the URL as clients send it, encoded and without the query. Patterns are not allowed. @default every path */
  path?: string;
  /** The Express app. Its `trust proxy` decides `req.ip` and `req.secure`. @default an app with Express's defaults */
  app?: Application;
  /**
   * Origins that may connect beside the server's own, as browsers send them, such as `"https://app.example.com"`. Or a
   * function that decides alone and synchronously. @default []
   */
  origins?: Origins;
  /**
   * Decides on a handshake, with `req.session` loaded. A truthy result lets the handshake in. Otherwise the answer is
   * `res.statusCode` if that was set to an error, or 403, or the response that was sent by `res`. The handshake's answer
   * carries a new session that was saved here, and cookies set on `res`. If the result is a promise, the session is read
   * again afterwards.
   */
  authorize?: (req: Request, res: Response) => unknown;
  /**
   * Chooses the subprotocol among those that a client offers, with `req.session` loaded, as ws's option of this name. A
   * falsy result chooses none, which most clients take for a failure. @default the first that is offered
   */
  handleProtocols?: (protocols: Set<string>, req: Request) => string | false | undefined;
  /** Connections that one stored session may have on this node; one more is answered with 429. @default 100 */
  maxConnectionsPerSession?: number;
  /** Connections of this node, including the handshakes under way; one more is answered with 503. @default 50_000 */
  maxConnections?: number;
  /** Connections of this node whose session is not stored; one more is answered with 503. @default 10_000 */
  maxAnonymousConnections?: number;
  /**
   * Handshakes per second of one session, and of one user, on this node. A burst may have ten times as many. One more is
   * answered with 429. @default 10
   */
  maxHandshakesPerSecond?: number;
  /** Milliseconds that a handshake may take, including `authorize`. @default 10_000 */
  handshakeTimeoutMs?: number;
  /** Milliseconds between two checks that a connection's session still exists. Its end is usually known earlier. @default 30_000 */
  revalidateMs?: number;
  /** Bytes of the largest message that is accepted; a larger one closes with 1009. Passed on to ws. @default 65_536 */
  maxPayload?: number;
  /** Compression, passed on to ws. @default false */
  perMessageDeflate?: boolean | PerMessageDeflateOptions;
}

/** The options that have a default. */
export type WebSocketDefaults = Required<
  Omit<WebSocketSessionsOptions, "path" | "app" | "authorize" | "handleProtocols">
>;

const DEFAULTS: WebSocketDefaults = Object.freeze({
  origins: [],
  maxConnectionsPerSession: 100,
  maxConnections: 50_000,
  maxAnonymousConnections: 10_000,
  maxHandshakesPerSecond: 10,
  handshakeTimeoutMs: 10_000,
  revalidateMs: 30_000,
  maxPayload: 65_536,
  perMessageDeflate: false,
});

/** The options with their defaults, checked. */
export type WebSocketConfig = WebSocketSessionsOptions & WebSocketDefaults;

const checked = optionsCheck<WebSocketSessionsOptions>("webSocketSessions", {
  path: pathRule,
  app: {
    expected: "an Express app, as express() returns it, and not a server or a router",
    isRight: isApp,
  },
  origins: originsRule,
  authorize: aFunction,
  handleProtocols: aFunction,
  maxConnectionsPerSession: limit,
  maxConnections: limit,
  maxAnonymousConnections: limitOr0,
  maxHandshakesPerSecond: above0,
  handshakeTimeoutMs: delay,
  revalidateMs: above0,
  // ws treats the value as 32 bits.
  maxPayload: wholeNumber("a whole number of bytes, from 1 to 2 ** 31 - 1", 2 ** 31 - 1),
  perMessageDeflate: compressionRule,
});

/** Checks the options and puts the defaults under them. @throws {TypeError} that names the option. */
export function webSocketConfig(options?: WebSocketSessionsOptions): WebSocketConfig {
  return over(DEFAULTS, checked(options));
}

/** Checks the options of `wsSessions.close`. @throws {TypeError} that names the option. */
export const closeOptions: (options?: CloseOptions) => CloseOptions = optionsCheck<CloseOptions>("close", {
  drainMs: delayOr0,
});

/** A router is a function as well, but has neither settings nor the request that handshakes are made of. */
function isApp(value: unknown): boolean {
  if (typeof value !== "function") return false;
  const { set, request } = value as Partial<Application> & { request?: unknown };
  return typeof set === "function" && typeof request === "object";
}
