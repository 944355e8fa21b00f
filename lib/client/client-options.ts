import type { WebSocketClass } from "./web-socket-like.ts";

/** Options of `realtimeClient`. */
export interface RealtimeClientOptions {
  /** The URL of the server: absolute, or relative to the page. `http` becomes `ws`, and `https` becomes `wss`. */
  url: string;
  /**
   * Milliseconds between heartbeats. Heartbeats keep the connection and the session active. The value must be less than
   * the server's `inactivityThresholdSeconds`. `0` turns heartbeats off, and also the search for dead connections.
   * @default 20_000
   */
  heartbeatIntervalMs?: number;
  /** Milliseconds that a request may take from the call on, and the answer to a heartbeat. @default 10_000 */
  requestTimeoutMs?: number;
  /** The least milliseconds before a reconnect. @default 500 */
  minReconnectDelayMs?: number;
  /** The most milliseconds before a reconnect. @default 30_000 */
  maxReconnectDelayMs?: number;
  /** Milliseconds that a connection may take to open. @default 10_000 */
  connectTimeoutMs?: number;
  /** Messages that may wait for a connection. Further messages are refused with `queue_full`. @default 100 */
  maxQueuedMessages?: number;
  /** The class that makes connections, such as `WebSocket` of ws. @default the global WebSocket */
  WebSocket?: WebSocketClass;
}

type Numbers = Required<Omit<RealtimeClientOptions, "url" | "WebSocket">>;

/** The options with their defaults, checked. */
export interface ClientConfig extends Readonly<Numbers> {
  /** The absolute URL of the WebSocket. */
  readonly url: string;
  readonly WebSocket: WebSocketClass;
}

const DEFAULTS: Readonly<Numbers> = Object.freeze({
  heartbeatIntervalMs: 20_000,
  requestTimeoutMs: 10_000,
  minReconnectDelayMs: 500,
  maxReconnectDelayMs: 30_000,
  connectTimeoutMs: 10_000,
  maxQueuedMessages: 100,
});

/** Matches the options that `0` turns off. */
const MAY_BE_0 = /^heart|^maxQ/;

/** The longest time of a timer, in milliseconds. */
const MAX = 2 ** 31 - 1;

/** Checks the options, and adds the defaults. @throws {TypeError} that names the option. */
export function clientConfig(options: RealtimeClientOptions): ClientConfig {
  if (typeof options !== "object" || !options) throw misuse("options must be an object");
  // The error lists all names and suggests none: every page loads this code, so it stays small.
  const known: Record<keyof RealtimeClientOptions, unknown> = { url: 0, WebSocket: 0, ...DEFAULTS };
  for (const name in options)
    if (!(name in known))
      throw misuse(`unknown option "${name}"; there are ${Object.keys(known).join(", ")}`);
  const numbers: Numbers = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof Numbers)[]) {
    const least = MAY_BE_0.test(name) ? 0 : 1;
    const { [name]: given = DEFAULTS[name] } = options;
    numbers[name] = given;
    check(
      typeof given === "number" && given >= least && given <= MAX,
      name,
      `a number from ${least} to ${MAX}`,
    );
  }
  const { WebSocket = (globalThis as { WebSocket?: WebSocketClass }).WebSocket } = options;
  check(typeof WebSocket === "function", "WebSocket", "a class");
  return { ...numbers, WebSocket: WebSocket as WebSocketClass, url: webSocketUrl(options.url) };
}

function webSocketUrl(given: string): string {
  const page = (globalThis as { location?: { href?: string } }).location?.href;
  let url = "";
  try {
    // On a page, `undefined` would be read as a path.
    if (!(typeof given === "string" ? given : (given as unknown) instanceof URL)) throw given;
    const absolute = new URL(given, page);
    // A hash is for the page alone. WebSocket refuses a URL with a hash.
    absolute.hash = "";
    url = absolute.href.replace(/^http/, "ws");
  } catch {
    // The check below throws an error with the name of the option.
  }
  check(/^wss?:/.test(url), "url", "an http(s) or ws(s) URL");
  return url;
}

function check(holds: boolean, option: string, expected: string): void {
  if (!holds) throw misuse(`option "${option}" must be ${expected}`);
}

function misuse(what: string): TypeError {
  return new TypeError(`realtimeClient: ${what}`);
}
