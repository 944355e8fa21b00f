import assert from "node:assert/strict";
import type { WebSocket } from "ws";
import { Browser, type BrowserResponse, type BrowserWebSocket, messages } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";

export const withinMs = 30_000;

/** Two nodes of one app. */
export interface App {
  readonly urls: readonly [string, string];
  readonly redisUrl: string;
  readonly prefix: string;
  readonly secret: string;
}

/** A visitor of one node; `at` is the same visitor, with the same cookies, at the other. */
export class Visitor {
  readonly #app: App;
  readonly #browsers: readonly Browser[];
  readonly #node: number;

  constructor(app: App, node = 0, browsers: readonly Browser[] = app.urls.map((url) => new Browser(url))) {
    this.#app = app;
    this.#node = node;
    this.#browsers = browsers;
    const [first, second] = browsers;
    // One jar, whose cookies are looked up for each request.
    if (first && second && first.cookies !== second.cookies)
      Object.defineProperty(second, "cookies", { value: first.cookies });
  }

  get cookies(): Map<string, string> {
    return this.#browser.cookies;
  }

  at(node: number): Visitor {
    return new Visitor(this.#app, node, this.#browsers);
  }

  get(path: string): Promise<BrowserResponse> {
    return this.#browser.get(path, { withinMs });
  }

  async post(path: string, json: object = {}): Promise<unknown> {
    const { status, body } = await this.#browser.post(path, { json, withinMs });
    assert.equal(status, 200, `${path} was answered with ${status} ${body}`);
    return JSON.parse(body);
  }

  async session(): Promise<Record<string, unknown>> {
    return JSON.parse((await this.get("/session")).body);
  }

  /** Sends a request that waits behind a gate of its node, and resolves once it waits there. */
  async hold(gate: string, values: object): Promise<{ answer: Promise<unknown> }> {
    const before = await this.post(`/waiting/${gate}`);
    const answer = this.post(`/held/${gate}`, values);
    answer.catch(() => {});
    await eventually(async () => assert.equal(await this.post(`/waiting/${gate}`), (before as number) + 1), {
      withinMs,
    });
    return { answer };
  }

  async connect(path = "/ws", options: BrowserWebSocket = {}): Promise<Line> {
    return new Line(await this.#browser.webSocket(path, { withinMs, ...options }));
  }

  get #browser(): Browser {
    return this.#browsers[this.#node] as Browser;
  }
}

/** An open WebSocket that speaks realtime's JSON. */
export class Line {
  readonly ws: WebSocket;
  #asked = 0;

  constructor(ws: WebSocket) {
    this.ws = ws;
  }

  /** Sends an event, and gives its answer's data. */
  async ask(type: string, data: object = {}): Promise<unknown> {
    const id = ++this.#asked;
    this.ws.send(JSON.stringify({ event_type: type, data, id }));
    const answer = (await this.next()) as { id: number; status: string; data: unknown };
    assert.deepEqual({ id: answer.id, status: answer.status }, { id, status: "success" });
    return answer.data;
  }

  next(): Promise<unknown> {
    return messages(this.ws).nextJson(withinMs);
  }

  /** The number in the next message. */
  async number(): Promise<unknown> {
    const { event_type: type, data } = (await this.next()) as { event_type: string; data: { n: number } };
    assert.equal(type, "message");
    return data.n;
  }

  async code(): Promise<number> {
    return (await messages(this.ws).untilClosed(withinMs)).code;
  }

  get isOpen(): boolean {
    return messages(this.ws).closed === undefined;
  }
}
