/** The parts of a WebSocket that the client uses. Those of browsers, of Node (from 22 on) and of ws have them. */
export interface WebSocketLike {
  /** The state of the WebSocket. `1` means open. */
  readonly readyState: number;
  /** Called when the WebSocket opens. */
  onopen: ((event: never) => unknown) | null;
  /** Called with each message. */
  onmessage: ((event: never) => unknown) | null;
  /** Called when the WebSocket has closed. */
  onclose: ((event: never) => unknown) | null;
  /** Called when the WebSocket has failed. `onclose` follows. */
  onerror: ((event: never) => unknown) | null;
  /** Sends a text message. */
  send(text: string): void;
  /** Begins to close. */
  close(code?: number): void;
  /** Cuts the connection without waiting for the other side. Browsers do not have this method. */
  terminate?(): void;
}

/** A class that makes WebSockets, as the global `WebSocket` does. */
export type WebSocketClass = new (url: string) => WebSocketLike;
