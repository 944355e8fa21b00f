import { WebSocket } from "ws";
import type { WebSocketLike } from "../../lib/client.ts";

/** A WebSocket like a browser's. It cannot cut the line, only close it, and the close waits for the other side. */
export class BrowserLikeSocket implements WebSocketLike {
  onopen: WebSocketLike["onopen"] = null;
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly #ws: WebSocket;

  constructor(url: string) {
    this.#ws = new WebSocket(url);
    this.#ws.onopen = (event) => this.onopen?.(event as never);
    this.#ws.onmessage = (event) => this.onmessage?.(event as never);
    this.#ws.onclose = (event) => this.onclose?.(event as never);
    this.#ws.onerror = (event) => this.onerror?.(event as never);
  }

  get readyState(): number {
    return this.#ws.readyState;
  }

  send(text: string): void {
    this.#ws.send(text);
  }

  close(code?: number): void {
    this.#ws.close(code);
  }
}
