import { WebSocket } from "ws";
import { type RealtimeClient, realtimeClient } from "../../lib/client.ts";
import { type CookieJar, cookieHeaders, keepCookies } from "../support/cookie-jar.ts";
import { ask } from "./ask.ts";

export interface VisitorOptions {
  user: string;
  /** Where the next connection goes to. */
  pick: () => string;
  /** Of the page. */
  origin: string;
  /** What the page's address has, if nodes are asked by their own. */
  host?: string;
  ca?: Buffer;
}

/** A user with a page that is open: the package's own client, with the cookie of a login. */
export class Visitor {
  /** How each connection ended. */
  readonly codes: number[] = [];
  /** Statuses of handshakes that were refused. */
  readonly refusals: string[] = [];
  /** The longest time without a connection. */
  mostAwayMs = 0;
  readonly client: RealtimeClient;
  readonly user: string;

  constructor(options: VisitorOptions, jar: CookieJar) {
    const { codes, refusals } = this;
    const { user, pick, origin, ca, host } = options;
    this.user = user;
    class Line extends WebSocket {
      constructor() {
        super(`${pick().replace("http", "ws")}/ws`, [], {
          origin,
          headers: { ...cookieHeaders(jar), ...(host ? { host } : {}) },
          ...(ca ? { ca } : {}),
        });
        this.on("error", ({ message }) => refusals.push(message));
        this.on("open", () => this.on("close", (code) => codes.push(code)));
      }
    }
    const url = `${origin.replace("http", "ws")}/ws`;
    this.client = realtimeClient({ url, WebSocket: Line as never, requestTimeoutMs: 30_000 });
    let since: number | undefined;
    this.client.onState((state) => {
      const now = performance.now();
      if (state === "open" && since !== undefined) this.mostAwayMs = Math.max(this.mostAwayMs, now - since);
      since = state === "open" ? undefined : (since ?? now);
    });
  }

  /** Which process it is connected to, and as whom. */
  async who(): Promise<{ user: string; pid: number }> {
    return (await this.client.request("who")) as { user: string; pid: number };
  }
}

/** Logs in and connects. */
export async function visit(options: VisitorOptions): Promise<Visitor> {
  const { user, pick, ca } = options;
  const jar: CookieJar = new Map();
  const answer = await ask(`${pick()}/login/${user}`, {
    method: "POST",
    agent: false,
    ...(ca ? { ca } : {}),
  });
  answer.resume();
  keepCookies(jar, answer.headers["set-cookie"] ?? []);
  const visitor = new Visitor(options, jar);
  await visitor.who();
  return visitor;
}
