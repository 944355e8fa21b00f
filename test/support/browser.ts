import { once } from "node:events";
import {
  Agent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { text } from "node:stream/consumers";
import type { WebSocket } from "ws";
import { type CookieJar, cookieHeaders, keepCookies } from "./cookie-jar.ts";
import { type OpenWebSocketOptions, openWebSocket } from "./open-web-socket.ts";
import { within } from "./within.ts";

export { UpgradeRefusedError } from "./open-web-socket.ts";
export { closed, messages, nextMessage, type WebSocketInbox } from "./web-socket-inbox.ts";

export interface BrowserOptions {
  /** @default true */
  keepAlive?: boolean;
}

export interface BrowserRequest {
  /** A `cookie` header here replaces the kept cookies. */
  headers?: OutgoingHttpHeaders;
  body?: string | Uint8Array;
  /** Sent as the body, with its content type. */
  json?: unknown;
  /** For the whole response. @default 15_000: a machine under load takes its time */
  withinMs?: number;
}

export interface BrowserResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** The `Set-Cookie` lines as they came. */
  setCookies: string[];
  body: string;
  json(): unknown;
}

export interface BrowserWebSocket extends Omit<OpenWebSocketOptions, "origin" | "onHeaders"> {
  /** `null` sends none, as a client that is not a browser. @default the origin of `baseUrl` */
  origin?: string | null;
}

/** Keeps cookies and connections as a browser does, over HTTP and WebSocket, without following redirects. */
export class Browser {
  readonly baseUrl: string;
  readonly cookies: CookieJar = new Map();
  readonly #agent: Agent;

  constructor(baseUrl: string, { keepAlive = true }: BrowserOptions = {}) {
    this.baseUrl = baseUrl;
    this.#agent = new Agent({ keepAlive });
  }

  get(path: string, init?: BrowserRequest): Promise<BrowserResponse> {
    return this.request("GET", path, init);
  }

  post(path: string, init?: BrowserRequest): Promise<BrowserResponse> {
    return this.request("POST", path, init);
  }

  async request(method: string, path: string, init: BrowserRequest = {}): Promise<BrowserResponse> {
    const body = init.json === undefined ? init.body : JSON.stringify(init.json);
    const request = httpRequest(new URL(path, this.baseUrl), {
      method,
      agent: this.#agent,
      headers: {
        ...cookieHeaders(this.cookies),
        ...(init.json === undefined ? {} : { "content-type": "application/json" }),
        ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
        ...init.headers,
      },
    });
    // A failure reaches the caller through the response. A late failure must not end the test process.
    request.on("error", () => {});
    const answer = this.#answer(once(request, "response") as Promise<[IncomingMessage]>);
    request.end(body);
    try {
      return await within(answer, init.withinMs ?? 15_000, "whole response");
    } catch (cause) {
      request.destroy();
      throw new Error(`${method} ${path} failed: ${(cause as Error).message}`, { cause });
    }
  }

  /** Opens a `ws` client with the kept cookies; keeps those that the server sets on the way. */
  webSocket(path: string, { origin, headers, ...options }: BrowserWebSocket = {}): Promise<WebSocket> {
    const url = new URL(path, this.baseUrl);
    const sentOrigin = origin === undefined ? url.origin : origin;
    url.protocol = "ws:";
    return openWebSocket(url.href, {
      ...options,
      ...(sentOrigin === null ? {} : { origin: sentOrigin }),
      headers: { ...cookieHeaders(this.cookies), ...headers },
      onHeaders: (received) => keepCookies(this.cookies, received["set-cookie"] ?? []),
    });
  }

  /** Closes the connections kept alive. */
  close(): void {
    this.#agent.destroy();
  }

  async #answer(response: Promise<[IncomingMessage]>): Promise<BrowserResponse> {
    const [message] = await response;
    const setCookies = message.headers["set-cookie"] ?? [];
    keepCookies(this.cookies, setCookies);
    const body = await text(message);
    return {
      status: message.statusCode ?? 0,
      headers: message.headers,
      setCookies,
      body,
      json: () => JSON.parse(body),
    };
  }
}
