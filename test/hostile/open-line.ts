import { handshake } from "../websocket/raw-handshake.ts";
import { framesIn, OPCODES, type ServerFrame } from "./frames.ts";
import { Line } from "./line.ts";

const OPEN_MS = 20_000;
const NO_CODE = 1005;

/** A WebSocket whose frames are made by whoever has it. */
export class OpenLine {
  readonly line: Line;
  readonly #begin: number;

  private constructor(line: Line, begin: number) {
    this.line = line;
    this.#begin = begin;
  }

  /** Opens one; a cookie makes it a user's. */
  static async to(port: number, cookie?: string, headers: Record<string, string> = {}): Promise<OpenLine> {
    const line = await Line.to(port);
    await line.send(Buffer.from(handshake("/ws", { ...(cookie && { Cookie: cookie }), ...headers })));
    const end = await line.until(
      () => {
        const at = line.received.indexOf("\r\n\r\n");
        return at < 0 ? (line.isClosed ? -1 : undefined) : at;
      },
      OPEN_MS,
      "answer to a handshake",
    );
    const status = line.received.subarray(0, 12).toString("latin1");
    if (status !== "HTTP/1.1 101")
      throw new Error(`A right handshake was answered with ${JSON.stringify(status)}`);
    return new OpenLine(line, end + 4);
  }

  get frames(): ServerFrame[] {
    return framesIn(this.line.received.subarray(this.#begin));
  }

  /** The texts that were received. */
  get texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === OPCODES.text).map(({ payload }) => String(payload));
  }

  /** The code of the server's close, `1005` for none; `undefined` before it. */
  get code(): number | undefined {
    const close = this.frames.find(({ opcode }) => opcode === OPCODES.close);
    return close && (close.payload.length === 0 ? NO_CODE : close.payload.readUInt16BE(0));
  }

  /** Waits until the server has closed, or ended the line without a close: that is `undefined`. */
  async untilClosed(withinMs: number): Promise<number | undefined> {
    await this.line.until(
      () => (this.line.isClosed || this.code !== undefined ? true : undefined),
      withinMs,
      "close",
    );
    return this.code;
  }

  end(): void {
    this.line.end();
  }
}
