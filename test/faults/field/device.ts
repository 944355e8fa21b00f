import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Ledger } from "./ledger.ts";

/** The answer to a request. `undefined` if none comes within ten seconds or the line is cut. */
export type Status = number | undefined;

/** A connection from the view of its device. Times are in milliseconds of this process's clock. */
export interface Line {
  readonly user: string;
  readonly openedAt: number;
  closedAt: number;
  code: number | undefined;
  /** The numbers of messages with the times of their arrival, in order. */
  readonly heard: { readonly n: number; readonly at: number }[];
}

/** A logged-in user on one device, whose connection reconnects. */
export class Device {
  readonly user: string;
  readonly lines: Line[] = [];
  readonly #urls: () => readonly string[];
  readonly #ledger: Ledger;
  #cookie = "";
  #ws: WebSocket | undefined;
  #isClosed = false;

  constructor(user: string, urls: () => readonly string[], ledger: Ledger) {
    this.user = user;
    this.#urls = urls;
    this.#ledger = ledger;
    void this.#stayConnected();
  }

  get cookie(): string {
    return this.#cookie;
  }

  /** The open line. */
  get line(): Line | undefined {
    const line = this.lines.at(-1);
    return line && this.#ws?.readyState === WebSocket.OPEN ? line : undefined;
  }

  async logIn(): Promise<boolean> {
    const { status, cookie } = await this.request(`/login/${this.user}`, "");
    if (status !== 200) return false;
    this.#cookie = cookie;
    this.#ws?.close();
    return true;
  }

  /** Asks any node. */
  async request(
    path: string,
    cookie: string = this.#cookie,
    method = "POST",
  ): Promise<{ status: Status; body: unknown; cookie: string }> {
    return this.#ledger.request(this.#pick(), path, { method, headers: cookie ? { cookie } : {} });
  }

  close(): void {
    this.#isClosed = true;
    this.#ws?.terminate();
  }

  #pick(): string {
    const urls = this.#urls();
    return urls[Math.floor(Math.random() * urls.length)] as string;
  }

  async #stayConnected(): Promise<void> {
    while (!this.#isClosed) {
      if (this.#cookie && (await this.#connect()) === 401) await this.logIn();
      await delay(100 + Math.random() * 200);
    }
  }

  /** Resolves when the connection has closed, or to the status of a refusal. */
  #connect(): Promise<number | undefined> {
    return new Promise((resolve) => {
      const url = this.#pick();
      const ws = new WebSocket(`${url.replace("http", "ws")}/ws`, {
        headers: { cookie: this.#cookie },
        handshakeTimeout: 5_000,
      });
      this.#ws = ws;
      const line: Line = { user: this.user, openedAt: 0, closedAt: Infinity, code: undefined, heard: [] };
      ws.on("open", () => {
        this.lines.push(Object.assign(line, { openedAt: Date.now() }));
      });
      ws.on("message", (text) => {
        const { event_type: type, data } = JSON.parse(String(text));
        if (type === "message") line.heard.push({ n: data.n, at: Date.now() });
      });
      ws.on("unexpected-response", (_req, res) => {
        res.resume();
        ws.terminate();
        resolve(res.statusCode === 403 ? 401 : res.statusCode);
      });
      ws.on("error", () => {});
      ws.on("close", (code) => {
        Object.assign(line, { closedAt: Date.now(), code });
        resolve(undefined);
      });
    });
  }
}
