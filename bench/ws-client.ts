import { connect, type Socket } from "node:net";
import { FrameReader, maskedFrame, opcodes } from "./ws-frames.ts";
import type { Dialect } from "./ws-protocol.ts";

export interface ClientOptions {
  port: number;
  dialect: Dialect;
  cookie: string;
  /** Called for each message once the client is connected. */
  onMessage?: () => void;
}

/** Shared by all connections: what was read is counted before the next read. */
const readBuffer = Buffer.alloc(64 * 1024);
const closeFrame = maskedFrame(opcodes.close, Uint8Array.of(0x03, 0xe8));

/** A WebSocket client that does no more than shake hands, count messages and keep its connection alive. */
export class WsClient {
  /** Resolves when the server has said that the client is connected; rejects when it refuses. */
  readonly opened: Promise<void>;
  /** Resolves when the line has ended. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #dialect: Dialect;
  readonly #onMessage: () => void;
  readonly #frames = new FrameReader((opcode, data, from, to) => this.#onFrame(opcode, data, from, to));
  #head = "";
  #state: "handshake" | "greeting" | "open" | "closing" = "handshake";
  #open: () => void = () => {};
  #refuse: (reason: Error) => void = () => {};

  constructor({ port, dialect, cookie, onMessage = () => {} }: ClientOptions) {
    this.#dialect = dialect;
    this.#onMessage = onMessage;
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    const callback = (bytes: number) => {
      this.#read(readBuffer.subarray(0, bytes));
      return true;
    };
    this.#socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: readBuffer, callback },
    });
    this.#socket.on("error", (error) => this.#refuse(error));
    this.closed = new Promise((resolve) => {
      this.#socket.on("close", () => {
        this.#refuse(new Error(`refused: ${this.#head.split("\r\n", 1)}`));
        resolve();
      });
    });
    this.#socket.write(
      `GET ${dialect.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        `User-Agent: bench\r\nCookie: ${cookie}\r\n\r\n`,
    );
  }

  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  /** Reads nothing from now on, as a client does whose page hangs. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Closes by WebSocket's closing handshake. */
  close(): Promise<void> {
    this.#state = "closing";
    this.#socket.write(closeFrame);
    return this.closed;
  }

  destroy(): void {
    this.#state = "closing";
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#state !== "handshake") {
      this.#frames.read(chunk);
      return;
    }
    this.#head += chunk.toString("latin1");
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) return;
    if (!this.#head.startsWith("HTTP/1.1 101 ")) {
      this.#socket.destroy();
      return;
    }
    const rest = Buffer.from(this.#head.slice(end + 4), "latin1");
    const { hello, welcome } = this.#dialect;
    this.#state = welcome ? "greeting" : "open";
    if (hello) this.#socket.write(maskedFrame(opcodes.text, hello));
    if (!welcome) this.#open();
    if (rest.length > 0) this.#frames.read(rest);
  }

  #onFrame(opcode: number, data: Uint8Array, from: number, to: number): void {
    if (opcode === opcodes.text) this.#onText(data, from, to);
    else if (opcode === opcodes.ping) this.send(maskedFrame(opcodes.pong, data.subarray(from, to)));
    else if (opcode === opcodes.close && this.#state !== "closing") {
      const code = ((data[from] ?? 0) << 8) | (data[from + 1] ?? 0);
      throw new Error(`the server closed a connection with ${code}`);
    }
  }

  #onText(data: Uint8Array, from: number, to: number): void {
    const { welcome = "", ping, pong = "" } = this.#dialect;
    if (ping && to - from === ping.length && begins(data, from, ping)) {
      this.send(maskedFrame(opcodes.text, pong));
    } else if (this.#state === "open") {
      this.#onMessage();
    } else if (this.#state === "greeting" && begins(data, from, welcome)) {
      this.#state = "open";
      this.#open();
    }
  }
}

function begins(data: Uint8Array, from: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (data[from + at] !== text.charCodeAt(at)) return false;
  return true;
}
