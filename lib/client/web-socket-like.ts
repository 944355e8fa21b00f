/** What the client uses of a WebSocket: browsers' own, Node's (from 22 on) and ws's have it. */
export interface WebSocketLike {
  /** `1` is open. */
  readonly readyState: number;
  /** Called when it is open. */
  onopen: ((event: never) => unknown) | null;
  /** Called with each message. */
  onmessage: ((event: never) => unknown) | null;
  /** Called when it is closed. */
  onclose: ((event: never) => unknown) | null;
  /** Called when it has failed; `onclose` follows. */
  onerror: ((event: never) => unknown) | null;
  /** Sends a text message. */
  send(text: string): void;
  /** Begins to close. */
  close(code?: number): void;
  /** Cuts a line without waiting for the other side. Browsers have no such thing. */
  terminate?(): void;
}

/** Makes WebSockets, as the global `WebSocket` does. */
export type WebSocketClass = new (url: string) => WebSocketLike;
