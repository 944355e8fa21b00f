import type { Application, Request, Response } from "express";
import type { PerMessageDeflateOptions, WebSocket } from "ws";
import type { Origins } from "./origin.ts";

/** Hears of a connection that has just opened. One that throws or rejects closes the connection with 1011. */
export type ConnectionListener = (ws: WebSocket, req: Request) => unknown;

/** Options of `wsSessions.close`. */
export interface CloseOptions {
  /** Milliseconds over which the connections are closed, so that not all come back to another node at once. @default 0 */
  drainMs?: number;
}

/** Options of `webSocketSessions`. */
export interface WebSocketSessionsOptions {
  /** The path that connections are made to, without the query. @default every path */
  path?: string;
  /** The Express app, whose `trust proxy` then says what `req.ip` and `req.secure` are. @default an app with Express's defaults */
  app?: Application;
  /** Origins that may connect beside the server's own, such as `"https://app.example.com"`, or a function that decides alone. @default [] */
  origins?: Origins;
  /**
   * Decides on a handshake, with `req.session` loaded. Only what is truthy lets it in. Else it is answered
   * with `res.statusCode` if that was set to an error, or 403; or with what `res` was told to send. A session
   * that is new and saved here, and cookies set on `res`, go out in the handshake's answer. A function with one
   * parameter is called with the request alone. After one that returns a promise, the session is read again.
   */
  authorize?: (req: Request, res: Response) => unknown;
  /**
   * Chooses the subprotocol among those that a client offers, with `req.session` loaded, as ws's option of this name. What
   * is falsy chooses none, which most clients take for a failure. @default the first that is offered
   */
  handleProtocols?: (protocols: Set<string>, req: Request) => string | false | undefined;
  /** Connections that one session may have on this node; one more is answered with 429. @default 100 */
  maxConnectionsPerSession?: number;
  /** Milliseconds that a handshake may take, `authorize` and all. @default 10_000 */
  handshakeTimeoutMs?: number;
  /** Milliseconds between two looks whether a connection's session still lives, if nothing says so earlier. @default 30_000 */
  revalidateMs?: number;
  /** Bytes of the largest message that is taken; a larger one closes with 1009. Passed on to ws. @default 65_536 */
  maxPayload?: number;
  /** Compression, passed on to ws. @default false */
  perMessageDeflate?: boolean | PerMessageDeflateOptions;
}

/** The options that have a value of their own. */
export type WebSocketDefaults = Required<
  Omit<WebSocketSessionsOptions, "path" | "app" | "authorize" | "handleProtocols">
>;

const DEFAULTS: WebSocketDefaults = Object.freeze({
  origins: [],
  maxConnectionsPerSession: 100,
  handshakeTimeoutMs: 10_000,
  revalidateMs: 30_000,
  maxPayload: 65_536,
  perMessageDeflate: false,
});

/** The options with their defaults, checked. */
export type WebSocketConfig = WebSocketSessionsOptions & WebSocketDefaults;

/** Checks the options and puts the defaults under them. @throws {TypeError} that names the option. */
export function webSocketConfig(options: WebSocketSessionsOptions): WebSocketConfig {
  const { path, app, origins, authorize, handleProtocols } = options;
  check(path === undefined || path.startsWith("/"), "path", 'a path that begins with "/"');
  check(app === undefined || typeof app === "function", "app", "an Express app");
  check(authorize === undefined || typeof authorize === "function", "authorize", "a function");
  check(
    handleProtocols === undefined || typeof handleProtocols === "function",
    "handleProtocols",
    "a function",
  );
  check(
    origins === undefined || typeof origins === "function" || Array.isArray(origins),
    "origins",
    "a list of origins or a function",
  );
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const config: WebSocketConfig = { ...DEFAULTS, ...given };
  for (const name of [
    "maxConnectionsPerSession",
    "handshakeTimeoutMs",
    "revalidateMs",
    "maxPayload",
  ] as const) {
    check(config[name] > 0, name, "a number above 0");
  }
  check(
    config.handshakeTimeoutMs < 2 ** 31,
    "handshakeTimeoutMs",
    "below 2 ** 31, the longest that Node can wait",
  );
  return config;
}

function check(holds: boolean, option: keyof WebSocketSessionsOptions, expected: string): void {
  if (!holds) throw new TypeError(`webSocketSessions: option "${option}" must be ${expected}`);
}
