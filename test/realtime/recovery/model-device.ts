import { WebSocket } from "ws";
import type { RealtimeClient, WebSocketClass } from "../../../lib/client.ts";
import { type Relay, relay } from "../../client/relay.ts";
import { connectClient } from "../../client/support.ts";
import type { Browser } from "../../support/browser.ts";
import { cookieHeaders } from "../../support/cookie-jar.ts";
import { eventually } from "../../support/eventually.ts";
import type { Heard, Listener, Model } from "./model.ts";
import type { ModelNode } from "./model-nodes.ts";

/** A client of a user, on one of the nodes. */
export class Device implements Listener {
  readonly id: number;
  readonly user: string;
  since = Infinity;
  readonly absences: { from: number; to: number }[] = [];
  readonly heard: Heard[] = [];
  readonly told: { readonly channel: string; readonly at: number }[] = [];
  readonly #nodes: readonly ModelNode[];
  readonly #model: Model;
  readonly #browser: Browser;
  #line: Relay | undefined;
  #client: RealtimeClient | undefined;

  constructor(id: number, user: string, nodes: readonly ModelNode[], model: Model) {
    this.id = id;
    this.user = user;
    this.#nodes = nodes;
    this.#model = model;
    this.#browser = (nodes[0] as ModelNode).browser();
  }

  get client(): RealtimeClient {
    return this.#client as RealtimeClient;
  }

  get isLoggedIn(): boolean {
    return this.absences.at(-1)?.to !== Infinity;
  }

  /** Logs in, and connects to a node. Resolves once the server lets its events through. */
  async begin(node: number): Promise<void> {
    await this.#logIn();
    this.#line = await relay(this.#nodes[node]?.port);
    const { client } = connectClient({
      url: this.#line.url,
      WebSocket: this.#lines(),
      minReconnectDelayMs: 1,
      maxReconnectDelayMs: 20,
    });
    this.#client = client;
    client.on("said", ({ n }) => this.heard.push({ n: n as number, at: this.#model.now() }));
    client.onLost((name) => this.heard.push({ lost: this.#named(name) }));
    client.onError(() => {});
    await this.client.request("echo");
    this.since = this.#model.now();
  }

  /** Breaks the line. The client comes back, to this node or another one. */
  cut(node?: number): void {
    const line = this.#line as Relay;
    if (node !== undefined) line.target = this.#nodes[node]?.port;
    line.cut();
  }

  /** The session of this device ends. */
  async logOut(): Promise<void> {
    await this.#browser.post("/logout");
    this.absences.push({ from: this.#model.now(), to: Infinity });
  }

  /** The sessions of the user have ended. */
  ended(): void {
    if (this.isLoggedIn) this.absences.push({ from: this.#model.now(), to: Infinity });
  }

  async logInAgain(): Promise<void> {
    const absence = this.absences.at(-1);
    if (absence) absence.to = this.#model.now();
    await this.#logIn();
    this.client.reconnect();
  }

  /** Asks the server to send to a group. Its handler keeps the message from this client, if it is to. */
  async post(group: string, isAlone: boolean): Promise<void> {
    const sent = this.#model.begin(`group:${group}`, { exceptId: isAlone ? this.id : undefined });
    // The line may break before the answer.
    await this.client.request("post", { group, n: sent.n, isAlone }).catch(() => {});
    sent.end = this.#model.now();
  }

  /** Resolves once the client is open. */
  async settled(): Promise<void> {
    await eventually(() => {
      if (this.client.state !== "open") throw new Error(`Client ${this.id} is ${this.client.state}.`);
    });
  }

  /** Lines with the current cookies. It is noted of which channels they tell the positions. */
  #lines(): WebSocketClass {
    const browser = this.#browser;
    const note = (channel: string) =>
      this.told.push({ channel: this.#named(channel), at: this.#model.now() });
    return class extends WebSocket {
      constructor(url: string) {
        super(url, { headers: cookieHeaders(browser.cookies) });
        this.on("message", (text) => {
          // A client does not listen to a line that it has given up.
          if (!this.onmessage) return;
          const { event_type, data } = JSON.parse(String(text));
          if (event_type === "session.positions") for (const name in data.channels) note(name);
        });
      }
    };
  }

  #named(channel: string): string {
    return channel === "user" ? `user:${this.user}` : channel;
  }

  async #logIn(): Promise<void> {
    const { status } = await this.#browser.post("/login", { json: { user: this.user } });
    if (status !== 200) throw new Error(`The login was answered with ${status}.`);
  }
}
