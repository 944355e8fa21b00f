import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { type ClientOptions, WebSocket } from "ws";
import { messages } from "./web-socket-inbox.ts";
import { within } from "./within.ts";

export interface OpenWebSocketOptions extends ClientOptions {
  protocols?: string[];
  /** Receives the headers of the 101 response or of the refusal. */
  onHeaders?: (headers: IncomingHttpHeaders) => void;
  /** @default 15_000: a machine under load takes its time */
  withinMs?: number;
}

/** The server answered the handshake with something other than 101. */
export class UpgradeRefusedError extends Error {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;

  constructor(response: IncomingMessage, body: string) {
    super(`The upgrade was refused: ${response.statusCode} ${response.statusMessage}`);
    this.name = "UpgradeRefusedError";
    this.statusCode = response.statusCode ?? 0;
    this.headers = response.headers;
    this.body = body;
  }
}

/** Opens a `ws` client; rejects with `UpgradeRefusedError` when the server refuses with a whole HTTP response. */
export async function openWebSocket(
  url: string,
  { protocols = [], onHeaders, withinMs = 15_000, ...options }: OpenWebSocketOptions = {},
): Promise<WebSocket> {
  const ws = new WebSocket(url, protocols, options);
  // Now and not after the promise, because messages that come with the 101 response are emitted before it settles.
  messages(ws);
  ws.once("upgrade", (response) => onHeaders?.(response.headers));

  const refusal = new Promise<never>((_, reject) => {
    ws.once("unexpected-response", (_request, response) => {
      onHeaders?.(response.headers);
      text(response).then(
        (body) => reject(new UpgradeRefusedError(response, body)),
        (cause) => reject(new Error("The response that refuses the upgrade was cut short.", { cause })),
      );
    });
  });

  try {
    await within(Promise.race([once(ws, "open"), refusal]), withinMs, `answer to the upgrade of ${url}`);
    return ws;
  } catch (error) {
    ws.terminate();
    throw error;
  }
}
