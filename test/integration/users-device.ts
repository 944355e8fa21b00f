import type { WebSocket } from "ws";
import type { DeletionReceipt, UserSession } from "../../lib/index.ts";
import { Browser, messages, type WebSocketInbox } from "../support/browser.ts";

export interface WhoAmI {
  sid: string;
  userId?: string;
}

/** One browser of a user. Any node answers it, with the same cookie. */
export class Device {
  /** The ids of all sessions that its requests have had. */
  readonly sids: Set<string> = new Set();
  readonly #browsers: Browser[];

  constructor(nodes: readonly { url: string }[]) {
    this.#browsers = nodes.map(({ url }) => new Browser(url));
  }

  /** A copy of the current cookies. */
  copy(): Device {
    return this.copyTo(this.#browsers.map(({ baseUrl }) => ({ url: baseUrl })));
  }

  /** The same browser for nodes that have replaced the earlier ones. */
  copyTo(nodes: readonly { url: string }[]): Device {
    const copy = new Device(nodes);
    copy.#takeCookies(this.#browsers[0] as Browser);
    return copy;
  }

  /** Takes over the cookies of a copy that has moved to this session. */
  adopt(copy: Device, sid: string): void {
    this.#takeCookies(copy.#browsers[0] as Browser);
    this.sids.add(sid);
  }

  /** Makes it a new browser without cookies. */
  forget(): void {
    for (const browser of this.#browsers) browser.cookies.clear();
  }

  async post<T>(node: number, path: string, query: Record<string, string> = {}, label?: string): Promise<T> {
    const answer = await this.#send<T>("POST", node, path, query, label);
    if (typeof answer === "string") this.sids.add(answer);
    return answer;
  }

  logIn(node: number, user: string): Promise<string> {
    return this.post(node, "/log-in", { user });
  }

  whoAmI(node: number): Promise<WhoAmI> {
    return this.#send("GET", node, "/whoami", {});
  }

  sessionsOf(node: number, user: string): Promise<UserSession[]> {
    return this.#send("GET", node, "/sessions", { user });
  }

  deleteSessionsOf(node: number, user: string, except?: string): Promise<DeletionReceipt> {
    return this.post(node, "/delete", except === undefined ? { user } : { user, except });
  }

  async connect(node: number, label?: string): Promise<{ ws: WebSocket; inbox: WebSocketInbox }> {
    const headers: Record<string, string> = label === undefined ? {} : { "x-label": label };
    const ws = await this.#at(node).webSocket("/ws", { headers, withinMs: 10_000 });
    return { ws, inbox: messages(ws) };
  }

  close(): void {
    for (const browser of this.#browsers) browser.close();
  }

  async #send<T>(
    method: string,
    node: number,
    path: string,
    query: Record<string, string>,
    label?: string,
  ): Promise<T> {
    const browser = this.#at(node);
    const response = await browser.request(method, `${path}?${new URLSearchParams(query)}`, {
      headers: label === undefined ? {} : { "x-label": label },
      withinMs: 10_000,
    });
    for (const other of this.#browsers) if (other !== browser) copyCookies(browser, other);
    if (response.status !== 200)
      throw Object.assign(new Error(`${path} answered ${response.status}: ${response.body}`), {
        status: response.status,
      });
    return response.json() as T;
  }

  #at(node: number): Browser {
    return this.#browsers[node % this.#browsers.length] as Browser;
  }

  #takeCookies(from: Browser): void {
    for (const browser of this.#browsers) copyCookies(from, browser);
  }
}

function copyCookies(from: Browser, to: Browser): void {
  to.cookies.clear();
  for (const [name, value] of from.cookies) to.cookies.set(name, value);
}
