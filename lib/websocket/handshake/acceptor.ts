import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { CLOSE_TIMEOUT_MS, SessionWebSocket } from "../session-web-socket.ts";
import type { WebSocketConfig } from "../web-socket-options.ts";

/** The parts of the 101 response that vary. */
interface Acceptance {
  readonly cookieLines: readonly string[];
  readonly protocol: string | false;
}

/**
 * Fragments that a message may have, in addition to one for every 4 KiB. Each fragment, even of one byte, may keep in
 * memory the 64 KiB that were read with it, such as pongs between two fragments.
 */
const PIECES = 16;
const PIECE_BYTES = 4096;

/** Answers handshakes with 101, by ws. */
export class Acceptor {
  readonly #wss: WebSocketServer;
  /** The acceptance of the handshake that ws is answering. ws answers synchronously. */
  #acceptance: Acceptance = { cookieLines: [], protocol: false };

  constructor({ maxPayload, perMessageDeflate }: WebSocketConfig) {
    this.#wss = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload,
      maxFragments: PIECES + Math.ceil(maxPayload / PIECE_BYTES),
      perMessageDeflate,
      // By default a client that has closed, and keeps its line, keeps its place for half a minute. Its types lack the option.
      ...{ closeTimeout: CLOSE_TIMEOUT_MS },
      WebSocket: SessionWebSocket as unknown as typeof WebSocket,
      handleProtocols: () => this.#acceptance.protocol,
    });
    this.#wss.on("headers", (headers) => {
      // One line each: browsers do not take cookies apart that are joined by commas (RFC 6265, section 3).
      for (const line of this.#acceptance.cookieLines) headers.push(`Set-Cookie: ${line}`);
    });
  }

  /** Answers a handshake. Returns `undefined` if ws has refused it, for a header that only ws reads. */
  accept(
    { req, socket }: { readonly req: IncomingMessage; readonly socket: Duplex },
    head: Buffer,
    acceptance: Acceptance,
  ): SessionWebSocket | undefined {
    let opened: SessionWebSocket | undefined;
    this.#acceptance = acceptance;
    this.#wss.handleUpgrade(req, socket, head, (ws) => {
      opened = ws as SessionWebSocket;
    });
    return opened;
  }
}
