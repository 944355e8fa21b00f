/** What the client uses of a WebSocket: browsers' own, Node's (from 22 on) and ws's have it. */
export interface WebSocketLike {
  /** `1` is open. */
  readonly readyState: number;
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  send(text: string): void;
  close(code?: number): void;
  /** Cuts a line without waiting for the other side. Browsers have no such thing. */
  terminate?(): void;
}

/** Makes WebSockets, as the global `WebSocket` does. */
export type WebSocketClass = new (url: string) => WebSocketLike;
